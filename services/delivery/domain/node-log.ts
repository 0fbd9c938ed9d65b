import type { LogEntry } from './log-entry.ts';
import { RecordRing, type RingLimits } from './record-ring.ts';
import { type AheadLimits, ShardTail } from './shard-tail.ts';

/** The bounds of what a node keeps of each shard. */
export interface NodeLogLimits {
  ring: RingLimits;
  ahead: AheadLimits;
}

interface Shard<S> {
  tail: ShardTail<S>;
  ring: RecordRing;
}

/**
 * What a node knows of the log: for each shard how far it has come, and the newest of what it passed. Every entry is in
 * the ring before it is handed to the sessions, so a session that opens meanwhile finds there what it has yet to see.
 */
export class NodeLog<S> {
  readonly #limits: NodeLogLimits;
  readonly #onApplied: (entry: LogEntry) => void;
  #shards: Shard<S>[] = [];
  #epoch = '';
  #start: { at: number; positions: readonly number[] } = { at: 0, positions: [] };

  constructor(limits: NodeLogLimits, onApplied: (entry: LogEntry) => void) {
    this.#limits = limits;
    this.#onApplied = onApplied;
  }

  /** Names the log that the positions are of; empty until the log is known. */
  get epoch(): string {
    return this.#epoch;
  }

  /** True once the node knows where the log stands. */
  get known(): boolean {
    return this.#shards.length > 0;
  }

  /** When it started, by `performance.now()`, and behind which positions: what is at or before them it never had. */
  get start(): { at: number; positions: readonly number[] } {
    return this.#start;
  }

  get shardCount(): number {
    return this.#shards.length;
  }

  /** Starts, or starts over, behind these positions, forgetting all that was. */
  startAt(epoch: string, heads: readonly number[]): void {
    this.#epoch = epoch;
    this.#start = { at: performance.now(), positions: heads };
    this.#shards = heads.map((head) => {
      const ring = new RecordRing(this.#limits.ring, head);
      const tail = new ShardTail<S>(head, this.#limits.ahead, (entry) => {
        ring.push(entry);
        this.#onApplied(entry);
      });
      return { tail, ring };
    });
  }

  /** A shard's tail; undefined when the log has no such shard, or is not known yet. */
  tail(shard: number): ShardTail<S> | undefined {
    return this.#shards[shard]?.tail;
  }

  /** How far each shard has come, by shard id. */
  positions(): number[] {
    return this.#shards.map(({ tail }) => tail.position);
  }

  /** Grows with every step of any shard. */
  progress(): number {
    let sum = 0;
    for (const { tail } of this.#shards) sum += tail.position;
    return sum;
  }

  /** What was applied beyond these positions, in order within each shard; undefined when not all of it is kept any more. */
  since(positions: readonly number[]): LogEntry[] | undefined {
    const found: LogEntry[] = [];
    for (const [shard, { tail, ring }] of this.#shards.entries()) {
      const position = positions[shard] ?? 0;
      if (tail.position <= position) continue;
      if (!ring.covers(position)) return undefined;
      found.push(...ring.since(position));
    }
    return found;
  }
}
