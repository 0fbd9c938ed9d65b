import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Frame, type FrameSchema, FramesSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { until } from '@realchat/testkit';
import { type ClientOptions, WebSocket } from 'ws';

type FrameInit = MessageInitShape<typeof FrameSchema>;
type Case = Exclude<Frame['kind']['case'], undefined>;

/** A client that writes whatever a test wants, and writes down what it hears. It shares no code with the framing. */
export interface RawClient {
  readonly socket: WebSocket;
  readonly frames: Frame[];
  send(...frames: FrameInit[]): void;
  sendBytes(bytes: Uint8Array): void;
  /** Says hello and waits for the welcome. */
  hello(token: string): Promise<void>;
  /** Waits for a frame of a kind, on a call if one is named. */
  heard<C extends Case>(kind: C, call?: number): Promise<Extract<Frame['kind'], { case: C }>['value']>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Opens a socket; rejects with the HTTP status when it is refused. */
export async function rawClient(
  url: string,
  options: ClientOptions = {},
  protocols = ['realchat.v1'],
): Promise<RawClient> {
  const socket = new WebSocket(url, protocols, options);
  const frames: Frame[] = [];
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on('message', (data: Buffer) => frames.push(...fromBinary(FramesSchema, data).frames));
  socket.on('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_, response) => {
      response.destroy();
      reject(new Error(String(response.statusCode)));
    });
    socket.on('error', reject);
  });
  const client: RawClient = {
    socket,
    frames,
    closed: closed.promise,
    send: (...sent) => socket.send(toBinary(FramesSchema, create(FramesSchema, { frames: sent }))),
    sendBytes: (bytes) => socket.send(bytes),
    async hello(accessToken) {
      client.send({ kind: { case: 'hello', value: { accessToken } } });
      await client.heard('welcome');
    },
    async heard(kind, call = 0) {
      const found = await until(`a frame of ${kind}`, () =>
        frames.find((frame) => frame.kind.case === kind && frame.call === call),
      );
      return found.kind.value as never;
    },
  };
  return client;
}

/** The status of a refused handshake; throws when it is not refused. */
export async function refusedWith(url: string, options: ClientOptions = {}, protocols?: string[]): Promise<number> {
  const outcome = await rawClient(url, options, protocols).then(
    ({ socket }) => {
      socket.terminate();
      return 101;
    },
    (error: Error) => Number(error.message),
  );
  return outcome;
}

/** The frames of a whole unary call. */
export function unaryCall(call: number, method: string, message = new Uint8Array(0)): FrameInit[] {
  return [
    { call, kind: { case: 'open', value: { method } } },
    { call, kind: { case: 'message', value: message } },
    { call, kind: { case: 'halfClose', value: {} } },
  ];
}
