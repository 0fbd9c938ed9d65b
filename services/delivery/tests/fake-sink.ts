import { fromBinary } from '@bufbuild/protobuf';
import { SubscribeResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Encoded } from '@realchat/rpc';

/** A peer that takes what is written to it, unless it is told to take nothing more. `read` is how it reads a frame. */
export function createFakeSink<F, T>(read: (frame: F) => T) {
  const frames: T[] = [];
  let blocked: PromiseWithResolvers<void> | undefined;
  return {
    frames,
    write(frame: F) {
      frames.push(read(frame));
      return blocked === undefined;
    },
    drained: () => blocked?.promise ?? Promise.resolve(),
    block: () => {
      blocked = Promise.withResolvers();
    },
    unblock: () => {
      blocked?.resolve();
      blocked = undefined;
    },
  };
}

/** Reads a frame of a stream of events. */
export const asResponse = (frame: Encoded) => fromBinary(SubscribeResponseSchema, frame.bytes);
