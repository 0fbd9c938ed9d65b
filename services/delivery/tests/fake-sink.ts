import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import type { Encoded } from '@realchat/rpc';

/** A peer that takes what is written to it, unless it is told to take nothing more. */
export function createFakeSink<D extends DescMessage>(schema: D) {
  const frames: MessageShape<D>[] = [];
  let blocked: PromiseWithResolvers<void> | undefined;
  return {
    frames,
    write(frame: Encoded) {
      frames.push(fromBinary(schema, frame.bytes));
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
