import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import { asBuffer } from '@realchat/rpc';
import type { GatewayContext } from '../context.ts';
import type { Via } from '../events.ts';
import type { Route } from '../public-services.ts';
import { recordCall } from '../relay/call-record.ts';
import { deadlineOf } from '../relay/deadline.ts';
import { toBackend } from '../relay/metadata.ts';
import { refusals } from '../relay/refusals.ts';
import { BackendCall } from './backend-call.ts';
import { bearerToken } from './bearer-token.ts';
import { refused } from './errors.ts';
import { copyTo, fromHeaders } from './headers.ts';

/** The client's address, as the HTTP server saw it. */
export const clientAddressKey = createContextKey('unknown');

/** Passes one call on to its backend, whatever its kind: what comes in goes out, in the same order. */
export async function* forward(
  context: GatewayContext,
  route: Route,
  requests: AsyncIterable<Message>,
  call: HandlerContext,
): AsyncGenerator<Message, void, void> {
  const { method } = route;
  const headers = call.requestHeader;
  const record = recordCall(context, route, call.protocolName as Via, headers.get('traceparent') ?? undefined);
  const backend = new BackendCall(
    {
      channel: context.backends.channel(route.backend),
      path: route.path,
      deadline: deadlineOf(route, call.timeoutMs()),
      metadata: toBackend(fromHeaders(headers), {
        ...record,
        token: bearerToken(headers),
        clientAddress: call.values.get(clientAddressKey),
      }),
    },
    (metadata) => copyTo(call.responseHeader, metadata),
  );
  const cancel = (): void => backend.cancel(call.signal.reason);
  // A stream has no end to wait for: its client finds another gateway.
  const endStream = (): void => backend.cancel(refused(refusals.draining()));
  call.signal.addEventListener('abort', cancel);
  if (call.signal.aborted) cancel();
  if (!route.unary) context.stopping.addEventListener('abort', endStream);
  try {
    sendAll(backend, method, requests).catch((error: unknown) => backend.cancel(error));
    for (let bytes = await backend.next(); bytes !== undefined; bytes = await backend.next()) {
      yield fromBinary(method.output, bytes);
    }
    copyTo(call.responseTrailer, backend.trailers);
  } finally {
    call.signal.removeEventListener('abort', cancel);
    context.stopping.removeEventListener('abort', endStream);
    backend.cancel(undefined);
    record.ended(backend.code);
  }
}

/** Passes on a call that has one answer. */
export async function forwardForOne(
  context: GatewayContext,
  route: Route,
  requests: AsyncIterable<Message>,
  call: HandlerContext,
): Promise<Message> {
  let answer: Message | undefined;
  for await (const message of forward(context, route, requests, call)) {
    if (answer !== undefined) throw new ConnectError('the service answered twice', Code.Internal);
    answer = message;
  }
  if (answer === undefined) throw new ConnectError('the service did not answer', Code.Internal);
  return answer;
}

async function sendAll(backend: BackendCall, method: DescMethod, requests: AsyncIterable<Message>): Promise<void> {
  for await (const request of requests) await backend.send(asBuffer(toBinary(method.input, request)));
  backend.halfClose();
}
