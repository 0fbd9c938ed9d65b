import type { LogEntry } from './log-entry.ts';

/** How much of a shard's recent log a node keeps. */
export interface RingLimits {
  entries: number;
  bytes: number;
}

/** The newest entries of a shard, in order, bounded by number and by bytes: what a session that opens has yet to see. */
export class RecordRing {
  readonly #limits: RingLimits;
  readonly #slots: (LogEntry | undefined)[];
  #oldest = 0;
  #count = 0;
  #bytes = 0;
  #complete: number;

  /** `start` is the position after which the ring will be complete. */
  constructor(limits: RingLimits, start: number) {
    this.#limits = limits;
    this.#slots = Array.from({ length: limits.entries }, () => undefined);
    this.#complete = start;
  }

  /** Adds the next entry; the oldest ones make room. */
  push(entry: LogEntry): void {
    while (
      this.#count === this.#limits.entries ||
      (this.#count > 0 && this.#bytes + entry.frame.size > this.#limits.bytes)
    ) {
      this.#dropOldest();
    }
    this.#slots[(this.#oldest + this.#count) % this.#slots.length] = entry;
    this.#count++;
    this.#bytes += entry.frame.size;
  }

  /** True when every entry with a greater position is at hand. */
  covers(position: number): boolean {
    return position >= this.#complete;
  }

  /** The entries with a greater position, in order. */
  since(position: number): LogEntry[] {
    const found: LogEntry[] = [];
    for (let i = this.#count - 1; i >= 0; i--) {
      const entry = this.#slots[(this.#oldest + i) % this.#slots.length];
      if (!entry || entry.position <= position) break;
      found.push(entry);
    }
    return found.reverse();
  }

  #dropOldest(): void {
    const entry = this.#slots[this.#oldest];
    this.#slots[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) % this.#slots.length;
    this.#count--;
    if (!entry) return;
    this.#bytes -= entry.frame.size;
    this.#complete = entry.position;
  }
}
