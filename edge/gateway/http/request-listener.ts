import { constants } from 'node:http2';
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { type RpcError, toConnectJson } from '@realchat/rpc';
import { clientAddressKey } from '../connect/forward.ts';
import { withTypedRefusal } from '../connect/typed-refusals.ts';
import type { GatewayContext } from '../context.ts';
import { refusals } from '../relay/refusals.ts';
import { clientAddress } from './client-address.ts';
import { addCorsHeaders, answerPreflight } from './cors.ts';
import { type HttpRequest, type HttpResponse, setHeaders } from './http-types.ts';
import { isAllowedOrigin } from './origins.ts';
import type { StaticFiles } from './static-files.ts';

/** Where balancers ask whether to send clients here; the edge does not route it. */
const HEALTH_PATH = '/healthz';

/** Serves a request: an RPC by its path, else a file of the web client, else nothing. */
export function createRequestListener(
  context: GatewayContext,
  rpcs: ReadonlyMap<string, UniversalHandler>,
  files: StaticFiles,
): (request: HttpRequest, response: HttpResponse) => void {
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    response.on('error', () => {});
    if (path === HEALTH_PATH) {
      answerHealth(context, response);
      return;
    }
    response.on('close', context.traffic.begin());
    const serve = async (): Promise<void> => {
      const rpc = rpcs.get(path);
      if (rpc !== undefined) await serveRpc(context, rpc, request, response);
      else if (!(await files.serve(path, request, response))) answerNowhere(request, response);
    };
    serve().catch((error: unknown) => {
      if (!isClientGone(error)) context.events.failed(error);
      if (response.headersSent) response.destroy();
      else answer(response, 500, refusals.failed());
    });
  };
}

async function serveRpc(
  context: GatewayContext,
  rpc: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (!isAllowedOrigin(request.headers, context.allowedOrigins)) {
    answer(response, 403, refusals.originNotAllowed());
    return;
  }
  addCorsHeaders(request, response);
  if (request.method === 'OPTIONS') {
    answerPreflight(response);
    return;
  }
  if (!isRequestStream(rpc)) expectBody(request, response, context.patience.bodyMs);
  const values = createContextValues();
  values.set(clientAddressKey, clientAddress(request.headers, request.socket.remoteAddress, context.trustedHops));
  const universal = readable(() => universalRequestFromNodeRequest(request, response, undefined, values));
  if (universal === undefined) answer(response, 400, refusals.malformedRequest());
  else await universalResponseToNodeResponse(await withTypedRefusal(await rpc(universal)), response);
}

function isRequestStream({ method }: UniversalHandler): boolean {
  return method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
}

/** A body that does not come within its time ends its request, or it would hold its place for ever. */
function expectBody(request: HttpRequest, response: HttpResponse, withinMs: number): void {
  const overdue = setTimeout(() => {
    if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL);
    else request.destroy();
  }, withinMs);
  const done = (): void => clearTimeout(overdue);
  request.once('end', done);
  response.once('close', done);
}

/** A host that is none makes a URL that cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function answerHealth({ leaving }: GatewayContext, response: HttpResponse): void {
  setHeaders(response, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
  response.statusCode = leaving.aborted ? 503 : 200;
  response.end(leaving.aborted ? 'stopping\n' : 'serving\n');
}

function answerNowhere(request: HttpRequest, response: HttpResponse): void {
  if (request.method === 'POST') answer(response, 404, refusals.unknownMethod());
  else answer(response, 404, refusals.nothingHere());
}

/** An answer outside of any RPC, in the form of Connect's errors. */
function answer(response: HttpResponse, status: number, why: RpcError): void {
  setHeaders(response, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.statusCode = status;
  response.end(JSON.stringify(toConnectJson(why)));
}

function isClientGone(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Aborted || code === Code.Canceled;
}
