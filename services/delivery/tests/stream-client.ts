import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Refusal, refusalOf, until } from '@realchat/testkit';
import { type StateName, stateName } from './presence-state.ts';

const same = (bytes: Buffer): Buffer => bytes;

/** A stream of Subscribe as a client has it. */
export type Stream = ReturnType<typeof openStream>;
/** A stream of WatchPresence as a client has it. */
export type WatchStream = ReturnType<typeof openWatch>;

/** Opens a stream of events, and reads it until told otherwise. */
export function openStream(port: number, token: string, cursor: Uint8Array = new Uint8Array()) {
  const { frames, ...stream } = openServerStream(port, token, DeliveryService.method.subscribe, { cursor });

  const texts = () =>
    frames.flatMap(({ frame }) => {
      if (frame.case !== 'event' || frame.value.change.case !== 'messageSent') return [];
      const content = frame.value.change.value.message?.content;
      return content?.case === 'text' ? [content.value] : [];
    });
  const kinds = () => frames.map(({ frame }) => frame.case);
  return {
    frames,
    texts,
    kinds,
    resets: () => frames.flatMap(({ frame }) => (frame.case === 'reset' ? [frame.value.reason] : [])),
    /** The newest cursor. */
    cursor: () =>
      frames
        .flatMap(({ frame }) => (frame.case === 'caughtUp' || frame.case === 'checkpoint' ? [frame.value.cursor] : []))
        .at(-1),
    caughtUp: () => until('caught up', () => kinds().includes('caughtUp')),
    received: (count: number, deadlineMs?: number) =>
      until(`${count} messages`, () => texts().length >= count, deadlineMs),
    ...stream,
  };
}

/** Opens a stream of presence. */
export function openWatch(port: number, token: string, userIds: string[] = []) {
  const { frames, ...stream } = openServerStream(port, token, DeliveryService.method.watchPresence, { userIds });
  /** What was told of a user, in order. */
  const toldOf = (userId: string) =>
    frames.flatMap(({ frame }) =>
      frame.case === 'presence' && frame.value.userId === userId ? [stateName(frame.value.state)] : [],
    );
  return {
    frames,
    toldOf,
    tells: (userId: string, state: StateName, deadlineMs?: number) =>
      until(`${userId} is ${state}`, () => toldOf(userId).at(-1) === state, deadlineMs),
    ...stream,
  };
}

/** Opens a stream on a connection of its own, and reads it until told otherwise. */
function openServerStream<I extends DescMessage, O extends DescMessage>(
  port: number,
  token: string,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
) {
  const channel = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  const metadata = new grpc.Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
  const path = `/${method.parent.typeName}/${method.name}`;
  const call = channel.makeServerStreamRequest(path, same, same, bytes, metadata);
  const frames: MessageShape<O>[] = [];
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  call.on('data', (data: Buffer) => frames.push(fromBinary(method.output, data)));
  call.on('error', (error) => ended.reject(error));
  call.on('end', () => ended.resolve());
  return {
    frames,
    /** How it was ended by the server. */
    refusal: (): Promise<Refusal> => refusalOf(ended.promise),
    pause: () => call.pause(),
    resume: () => call.resume(),
    close: () => {
      call.cancel();
      channel.close();
    },
  };
}
