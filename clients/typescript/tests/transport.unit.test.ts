import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { type Accept, Code as GrpcCode, type IncomingCall, metadataOf, statusOf } from '@realchat/framing';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { ServerReflection, ServerReflectionResponseSchema } from '@realchat/gen/grpc/reflection/v1/reflection';
import { AuthService, LoginRequestSchema, LoginResponseSchema } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService, SubscribeResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { describe, expect, test } from 'vitest';
import { createWebSocketTransport, type WebSocketTransportOptions } from '../index.ts';
import { fakeGateway } from './fake-gateway.ts';

type Handler = (call: IncomingCall) => ReturnType<Accept>;

const login = toBinary(LoginResponseSchema, create(LoginResponseSchema, { userId: 'u1' }));
const heartbeat = toBinary(
  SubscribeResponseSchema,
  create(SubscribeResponseSchema, { frame: { case: 'heartbeat', value: {} } }),
);

/** Answers a unary call once its only message is there. */
const answering = (answer: (call: IncomingCall, request: Uint8Array) => void): Handler => {
  return (call) => {
    let request = new Uint8Array(0);
    return {
      message: (message) => {
        request = new Uint8Array(message);
      },
      halfClosed: () => answer(call, request),
      closed: () => {},
    };
  };
};

function connected(handler: Handler, options: Partial<WebSocketTransportOptions> = {}) {
  const gateway = fakeGateway(handler);
  const transport = createWebSocketTransport({
    url: 'ws://test/ws',
    token: () => 'a-token',
    webSocket: gateway.webSocket,
    ...options,
  });
  return {
    gateway,
    transport,
    auth: createClient(AuthService, transport),
    delivery: createClient(DeliveryService, transport),
    reflection: createClient(ServerReflection, transport),
  };
}

const failure = async (promise: Promise<unknown>): Promise<ConnectError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConnectError) return error;
  throw new Error(`expected a ConnectError, got ${String(error)}`);
};

describe('calls', () => {
  test('a unary call goes with its metadata and comes back with headers and trailers', async () => {
    const seen: unknown[] = [];
    const { auth } = connected(
      answering((call, request) => {
        const { metadata, method } = call.request;
        seen.push(
          method,
          metadata.map(({ name, text, binary }) => [name, text, [...binary]]),
        );
        seen.push(fromBinary(LoginRequestSchema, request).username);
        call.headers([metadataOf('x-h', 'h'), metadataOf('x-h-bin', Uint8Array.of(0, 255))]);
        call.send(login);
        call.end(statusOf(GrpcCode.OK), [metadataOf('x-t', 't')]);
      }),
    );
    const response = await auth.login(
      { username: 'ada' },
      {
        headers: { 'x-a': '1', 'x-b-bin': 'AP8=' },
        onHeader: (header) => seen.push(header.get('x-h'), header.get('x-h-bin')),
        onTrailer: (trailer) => seen.push(trailer.get('x-t')),
      },
    );
    expect(response.userId).toBe('u1');
    const metadata = [
      ['x-a', '1', []],
      ['x-b-bin', '', [0, 255]],
    ];
    expect(seen).toEqual(['/realchat.auth.v1.AuthService/Login', metadata, 'ada', 'h', 'AP8', 't']);
  });

  test('an error comes with its code, message, details and trailers', async () => {
    const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: 'BAD_CREDENTIALS' }));
    const { auth } = connected(
      answering((call) => {
        const status = { ...statusOf(GrpcCode.UNAUTHENTICATED, 'wrong'), details: [info] };
        call.end(status, [metadataOf('x-t', 't')]);
      }),
    );
    const error = await failure(auth.login({}));
    expect([error.code, error.rawMessage, error.metadata.get('x-t')]).toEqual([Code.Unauthenticated, 'wrong', 't']);
    expect(error.findDetails(ErrorInfoSchema).map(({ reason }) => reason)).toEqual(['BAD_CREDENTIALS']);
  });

  test('a unary call without an answer, or with two, is an error', async () => {
    const none = connected(answering((call) => call.end(statusOf(GrpcCode.OK))));
    expect((await failure(none.auth.login({}))).code).toBe(Code.Unimplemented);
    const two = connected(
      answering((call) => {
        call.send(login);
        call.send(login);
        call.end(statusOf(GrpcCode.OK));
      }),
    );
    expect((await failure(two.auth.login({}))).code).toBe(Code.Unimplemented);
  });

  test('an aborted call is cancelled at the callee', async () => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<number>();
    const { auth } = connected(() => ({
      message: () => controller.abort(),
      closed: ({ code }) => closed.resolve(code),
    }));
    expect((await failure(auth.login({}, { signal: controller.signal }))).code).toBe(Code.Canceled);
    expect(await closed.promise).toBe(GrpcCode.CANCELLED);
  });

  test('a deadline passes at both ends, the time for connecting included', async () => {
    const closed = Promise.withResolvers<number>();
    const timeouts: (number | undefined)[] = [];
    const { auth } = connected((call) => {
      timeouts.push(call.request.timeoutMs);
      return { message: () => {}, closed: ({ code }) => closed.resolve(code) };
    });
    expect((await failure(auth.login({}, { timeoutMs: 60 }))).code).toBe(Code.DeadlineExceeded);
    expect([GrpcCode.DEADLINE_EXCEEDED, GrpcCode.CANCELLED]).toContain(await closed.promise);
    expect(timeouts[0]).toBeLessThanOrEqual(60);
  });

  test('a stream is read at the pace of its reader', async () => {
    const answers: boolean[] = [];
    const { delivery } = connected(
      answering((call) => {
        for (let index = 0; index < 5000; index++) answers.push(call.send(heartbeat));
        call.end(statusOf(GrpcCode.OK), [metadataOf('x-t', 't')]);
      }),
    );
    let count = 0;
    let trailer: string | null = null;
    for await (const { frame } of delivery.subscribe(
      {},
      { onTrailer: (trailers) => (trailer = trailers.get('x-t')) },
    )) {
      expect(frame.case).toBe('heartbeat');
      count += 1;
    }
    expect([count, trailer, answers.includes(false)]).toEqual([5000, 't', true]);
  });

  test('a stream whose signal is aborted is cancelled at the callee', async () => {
    const closed = Promise.withResolvers<number>();
    const { delivery } = connected((call) => ({
      message: () => {
        while (call.send(heartbeat));
      },
      closed: ({ code }) => closed.resolve(code),
    }));
    const controller = new AbortController();
    const error = await failure(
      (async () => {
        for await (const _ of delivery.subscribe({}, { signal: controller.signal })) controller.abort();
      })(),
    );
    expect(error.code).toBe(Code.Canceled);
    expect(await closed.promise).toBe(GrpcCode.CANCELLED);
  });

  test('a stream that fails throws after its messages', async () => {
    const { delivery } = connected(
      answering((call) => {
        call.send(heartbeat);
        call.end(statusOf(GrpcCode.UNAVAILABLE, 'draining'));
      }),
    );
    let count = 0;
    const error = await failure(
      (async () => {
        for await (const _ of delivery.subscribe({})) count += 1;
      })(),
    );
    expect([count, error.code, error.rawMessage]).toEqual([1, Code.Unavailable, 'draining']);
  });

  test('a bidirectional stream talks both ways', async () => {
    const { reflection } = connected((call) => ({
      message: () => void call.send(toBinary(ServerReflectionResponseSchema, create(ServerReflectionResponseSchema))),
      halfClosed: () => call.end(statusOf(GrpcCode.OK)),
      closed: () => {},
    }));
    const next = Promise.withResolvers<void>();
    async function* requests() {
      yield { host: 'first' };
      await next.promise;
      yield { host: 'second' };
    }
    let answers = 0;
    for await (const _ of reflection.serverReflectionInfo(requests())) {
      answers += 1;
      next.resolve();
    }
    expect(answers).toBe(2);
  });

  test('a source of messages that fails fails its call', async () => {
    const { reflection } = connected(() => ({ message: () => {}, closed: () => {} }));
    async function* requests() {
      yield { host: 'first' };
      throw new ConnectError('the source broke', Code.DataLoss);
    }
    const error = await failure(
      (async () => {
        for await (const _ of reflection.serverReflectionInfo(requests()));
      })(),
    );
    expect([error.code, error.rawMessage]).toEqual([Code.DataLoss, 'the source broke']);
  });
});
