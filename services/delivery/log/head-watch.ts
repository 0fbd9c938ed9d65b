import { setTimeout as delay } from 'node:timers/promises';
import type { NodeLog } from '../domain/node-log.ts';
import type { Heads } from './log-reader.ts';

interface Options {
  log: NodeLog<unknown>;
  readHeads: () => Promise<Heads>;
  /** True while Kafka tells nothing, so that every new head is news. */
  silent: () => boolean;
  /** True while Kafka is not quite trusted: heads are asked for more often. */
  suspected: () => boolean;
  /** A shard is behind what the database has. */
  onBehind: (shard: number) => void;
  /** The log begins, or another one has taken its place. */
  onReplaced: (heads: Heads, known: boolean) => void;
  onFailure: (error: unknown) => void;
}

const CALM_MS = 500;
const SUSPECTED_MS = 125;
const MAX_BACKOFF_MS = 2_000;

/**
 * Asks messaging where the log stands, for ever. What the database had at one look and this node still has not at the
 * next did not come through Kafka in time, and is read from the database.
 */
export class HeadWatch {
  readonly #options: Options;
  readonly #stopping = new AbortController();
  #previous: readonly number[] = [];
  #failures = 0;
  #running: Promise<void> | undefined;
  /** How far messaging's last answer was beyond this node's tails, all shards together. */
  lag = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { log, readHeads } = this.#options;
    const asked = log.positions();
    const answer = await readHeads();
    const known = log.known;
    // A head before our tail: the database lost its end, or what we applied was never in it.
    const replaced =
      answer.epoch !== log.epoch ||
      answer.heads.length !== asked.length ||
      asked.some((position, shard) => position > (answer.heads[shard] ?? 0));
    if (replaced) {
      this.#previous = [];
      this.#options.onReplaced(answer, known);
    }
    this.#compare(answer.heads);
  }

  #compare(heads: readonly number[]): void {
    const { log, silent, onBehind } = this.#options;
    let lag = 0;
    for (const [shard, head] of heads.entries()) {
      const tail = log.tail(shard);
      if (!tail) continue;
      lag += Math.max(0, head - tail.position);
      const overdue = silent() ? head : (this.#previous[shard] ?? 0);
      if (overdue > tail.position) tail.noteHead(overdue);
      if (tail.behind) onBehind(shard);
    }
    this.lag = lag;
    this.#previous = heads;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.look();
        this.#failures = 0;
      } catch (error) {
        this.#failures++;
        this.#options.onFailure(error);
      }
      await delay(this.#waitMs(), undefined, { signal }).catch(() => {});
    }
  }

  #waitMs(): number {
    if (this.#failures > 0) return Math.min(SUSPECTED_MS * 2 ** this.#failures, MAX_BACKOFF_MS);
    return this.#options.suspected() || !this.#options.log.known ? SUSPECTED_MS : CALM_MS;
  }
}
