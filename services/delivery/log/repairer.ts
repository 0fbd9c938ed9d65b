import { setTimeout as delay } from 'node:timers/promises';
import type { NodeLog } from '../domain/node-log.ts';
import type { ShardTail } from '../domain/shard-tail.ts';
import type { LogPage } from './log-reader.ts';
import { createTimeSlice } from './time-slice.ts';

interface Options<S> {
  log: NodeLog<S>;
  readLog: (shard: number, after: number) => Promise<LogPage>;
  /** A repair has begun, or failed and will be tried again. */
  onRepair: (shard: number, outcome: 'begun' | 'failed', error?: unknown) => void;
  /** What came from the topic as if it were of the log, and is not in it. */
  onForeign: (sources: S[]) => void;
}

/** Fills gaps from the database: at most one repair of a shard at a time, for as long as it takes. */
export class Repairer<S> {
  readonly #options: Options<S>;
  readonly #running = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();
  #lastRepairAt = Number.NEGATIVE_INFINITY;

  constructor(options: Options<S>) {
    this.#options = options;
  }

  /** When a repair last had work to do, by performance.now(). */
  get lastRepairAt(): number {
    return this.#lastRepairAt;
  }

  /** Repairs a shard if it is behind and no repair of it is at work. */
  repair(shard: number): void {
    const tail = this.#options.log.tail(shard);
    if (!tail?.behind || this.#running.has(shard) || this.#stopping.signal.aborted) return;
    this.#options.onRepair(shard, 'begun');
    const running = this.#run(shard).finally(() => this.#running.delete(shard));
    this.#running.set(shard, running);
  }

  /** Begins nothing more, and waits for what is at work. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running.values());
  }

  async #run(shard: number): Promise<void> {
    let waitMs = 100;
    for (let tail = this.#behind(shard); tail; tail = this.#behind(shard)) {
      this.#lastRepairAt = performance.now();
      try {
        await this.#readPage(shard, tail);
        waitMs = 100;
      } catch (error) {
        this.#options.onRepair(shard, 'failed', error);
        await delay(waitMs * (0.5 + Math.random() / 2), undefined, { signal: this.#stopping.signal }).catch(() => {});
        waitMs = Math.min(waitMs * 2, 2_000);
      }
    }
  }

  /** The shard's tail while there is something to repair. It is another one after the log was replaced. */
  #behind(shard: number): ShardTail<S> | undefined {
    const tail = this.#options.log.tail(shard);
    return tail?.behind && !this.#stopping.signal.aborted ? tail : undefined;
  }

  async #readPage(shard: number, tail: ShardTail<S>): Promise<void> {
    const after = tail.position;
    const ticket = tail.ticket();
    const { entries, through } = await this.#options.readLog(shard, after);
    const replaced = () => this.#options.log.tail(shard) !== tail;
    const slice = createTimeSlice();
    for (const entry of entries) {
      if (replaced()) return;
      tail.fill(entry);
      if (slice.over()) await slice.rest();
    }
    if (replaced()) return;
    tail.fillThrough(through);
    if (entries.length > 0 || through > after) return;
    const foreign = tail.endOfLog(ticket);
    if (foreign.length > 0) this.#options.onForeign(foreign);
  }
}
