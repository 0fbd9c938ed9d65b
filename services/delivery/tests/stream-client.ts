import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  SubscribeRequestSchema,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Refusal, refusalOf, until } from '@realchat/testkit';

const PATH = '/realchat.delivery.v1.DeliveryService/Subscribe';
const same = (bytes: Buffer): Buffer => bytes;

/** A stream of Subscribe as a client has it. */
export type Stream = ReturnType<typeof openStream>;

/** Opens a stream on a connection of its own, and reads it until told otherwise. */
export function openStream(port: number, token: string, cursor: Uint8Array = new Uint8Array()) {
  const channel = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const request = Buffer.from(toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema, { cursor })));
  const call = channel.makeServerStreamRequest(PATH, same, same, request, metadata);
  const frames: SubscribeResponse[] = [];
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  call.on('data', (bytes: Buffer) => frames.push(fromBinary(SubscribeResponseSchema, bytes)));
  call.on('error', (error) => ended.reject(error));
  call.on('end', () => ended.resolve());

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
