import type { Cursors } from './cursor.ts';
import type { NodeLog } from './node-log.ts';
import type { Place } from './session.ts';

/** Cursors of where the node stands. What they have in common is made once for every step of the log. */
export function createPlace<S>(log: NodeLog<S>, cursors: Cursors): Place {
  let madeFor = { progress: -1, epoch: '' };
  let common: Uint8Array = new Uint8Array();

  const commonBody = (): Uint8Array => {
    const progress = log.progress();
    if (madeFor.progress !== progress || madeFor.epoch !== log.epoch) {
      common = cursors.body(log.epoch, log.positions());
      madeFor = { progress, epoch: log.epoch };
    }
    return common;
  };

  return {
    progress: () => log.progress(),
    cursor(userId, floors) {
      if (!floors) return cursors.seal(commonBody(), userId);
      const positions = log.positions().map((position, shard) => Math.max(position, floors[shard] ?? 0));
      return cursors.seal(cursors.body(log.epoch, positions), userId);
    },
  };
}
