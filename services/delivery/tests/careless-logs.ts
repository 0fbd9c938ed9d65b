import type { LogEntry } from '../domain/log-entry.ts';
import { NodeLog } from '../domain/node-log.ts';
import type { Offer, ShardTail } from '../domain/shard-tail.ts';
import type { CreateLog } from './model-node.ts';

/** Takes a gap in the topic for nothing: goes on behind it, as if what is missing had been superseded. */
class GapIgnoringLog<S> extends NodeLog<S> {
  override tail(shard: number): ShardTail<S> | undefined {
    const tail = super.tail(shard);
    if (tail) tail.offer = (entry): Offer => (tail.fill(entry) ? 'applied' : 'known');
    return tail;
  }
}

/** Repairs its gaps, and meanwhile says that it has come as far as the newest that it has heard of. */
class ForesightedLog<S> extends NodeLog<S> {
  readonly #heard: number[] = [];

  override tail(shard: number): ShardTail<S> | undefined {
    const tail = super.tail(shard);
    if (tail) {
      tail.offer = (entry: LogEntry, source: S): Offer => {
        this.#heard[shard] = Math.max(this.#heard[shard] ?? 0, entry.position);
        return Object.getPrototypeOf(tail).offer.call(tail, entry, source) as Offer;
      };
    }
    return tail;
  }

  override positions(): number[] {
    return super.positions().map((position, shard) => Math.max(position, this.#heard[shard] ?? 0));
  }

  // Cursors are made anew for every step.
  override progress(): number {
    return this.positions().reduce((sum, position) => sum + position, 0);
  }
}

interface CarelessLog {
  bug: string;
  createLog: CreateLog;
  /** What clients may see of it, in the words of the checks. */
  symptoms: RegExp;
}

/** Logs with a bug: each moves cursors past an event that was lost on its way. */
export const carelessLogs: CarelessLog[] = [
  {
    bug: 'a gap in the topic is stepped over',
    createLog: (limits, onApplied) => new GapIgnoringLog(limits, onApplied),
    // A leave that was stepped over is a leak.
    symptoms: /nothing is missed|what a cursor covers was sent before it|nothing that the user may not see/,
  },
  {
    bug: 'cursors name what has not come yet',
    createLog: (limits, onApplied) => new ForesightedLog(limits, onApplied),
    // A stream that begins at such a place is sent again what stands before it, with what its user may not see any more.
    symptoms: /nothing is missed|cursor|nothing that the user may not see|in order, each once/,
  },
];
