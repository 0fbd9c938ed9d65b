import type { LogEntry } from './log-entry.ts';

/** How much a shard keeps of what arrived beyond a gap. */
export interface AheadLimits {
  entries: number;
  bytes: number;
}

/** What became of an entry that was offered. */
export type Offer = 'applied' | 'known' | 'ahead';

interface Waiting<S> {
  entry: LogEntry;
  source: S;
  arrival: number;
}

/**
 * How far a node has come in a shard's log. Entries are applied one by one in order of position, each once, whatever
 * order, repeats and losses they arrive with; what lies beyond a gap waits until the log itself has filled it.
 *
 * `S` is where an entry came from, given back when it turns out to be none of the log.
 */
export class ShardTail<S> {
  readonly #apply: (entry: LogEntry) => void;
  readonly #limits: AheadLimits;
  readonly #ahead = new Map<number, Waiting<S>>();
  #aheadBytes = 0;
  #position: number;
  /** The highest position that is known to exist by the database's word. */
  #head: number;
  /** The highest position that had to be dropped because too many waited, and when. */
  #dropped = { position: 0, arrival: 0 };
  #arrivals = 0;

  constructor(start: number, limits: AheadLimits, apply: (entry: LogEntry) => void) {
    this.#position = start;
    this.#head = start;
    this.#limits = limits;
    this.#apply = apply;
  }

  /** Everything up to here has been applied. */
  get position(): number {
    return this.#position;
  }

  /** True while something is known to exist that was not applied: the log is to be asked. */
  get behind(): boolean {
    return this.#ahead.size > 0 || this.#head > this.#position || this.#dropped.position > this.#position;
  }

  /** Notes a position that the database told of. */
  noteHead(position: number): void {
    if (position > this.#head) this.#head = position;
  }

  /** Takes an entry that may be next, a repeat, or beyond a gap. */
  offer(entry: LogEntry, source: S): Offer {
    if (entry.position <= this.#position) return 'known';
    if (entry.position === this.#position + 1) {
      this.#advance(entry);
      return 'applied';
    }
    this.#wait(entry, source);
    return 'ahead';
  }

  /** To be taken before the log is asked, and given to `endOfLog`. */
  ticket(): number {
    return this.#arrivals;
  }

  /**
   * Takes an entry from the log's own answer, in its order: what lies between the tail and the entry was superseded.
   * False when it was known.
   */
  fill(entry: LogEntry): boolean {
    if (entry.position <= this.#position) return false;
    this.#advance(entry);
    return true;
  }

  /** The log's answer was complete up to here. */
  fillThrough(position: number): void {
    if (position <= this.#position) return;
    this.#position = position;
    this.#forgetKnown();
    this.#applyWaiting();
  }

  /**
   * The log answered that nothing follows the tail. What waited beyond it when the log was asked is not in the log:
   * returns the sources of that, and forgets it.
   */
  endOfLog(ticket: number): S[] {
    this.#head = Math.min(this.#head, this.#position);
    if (this.#dropped.arrival <= ticket) this.#dropped = { position: 0, arrival: 0 };
    const foreign: S[] = [];
    for (const waiting of this.#ahead.values()) {
      if (waiting.arrival > ticket) continue;
      foreign.push(waiting.source);
      this.#forget(waiting);
    }
    return foreign;
  }

  #advance(entry: LogEntry): void {
    const next = entry.position === this.#position + 1;
    this.#position = entry.position;
    this.#apply(entry);
    if (this.#ahead.size === 0) return;
    if (next) this.#forgetAt(entry.position);
    else this.#forgetKnown();
    this.#applyWaiting();
  }

  #applyWaiting(): void {
    let waiting = this.#ahead.get(this.#position + 1);
    while (waiting) {
      this.#forget(waiting);
      this.#position = waiting.entry.position;
      this.#apply(waiting.entry);
      waiting = this.#ahead.get(this.#position + 1);
    }
  }

  #wait(entry: LogEntry, source: S): void {
    const arrival = ++this.#arrivals;
    const other = this.#ahead.get(entry.position);
    // Two claim one place, and only the log can say which is right.
    if (other && !sameBytes(other.entry, entry)) this.#forget(other);
    else if (other) return;
    const full =
      other !== undefined ||
      this.#ahead.size >= this.#limits.entries ||
      this.#aheadBytes + entry.frame.size > this.#limits.bytes;
    if (full) {
      this.#dropped = { position: Math.max(this.#dropped.position, entry.position), arrival };
      return;
    }
    this.#ahead.set(entry.position, { entry, source, arrival });
    this.#aheadBytes += entry.frame.size;
  }

  #forgetKnown(): void {
    for (const waiting of this.#ahead.values()) {
      if (waiting.entry.position <= this.#position) this.#forget(waiting);
    }
  }

  #forgetAt(position: number): void {
    const waiting = this.#ahead.get(position);
    if (waiting) this.#forget(waiting);
  }

  #forget(waiting: Waiting<S>): void {
    this.#ahead.delete(waiting.entry.position);
    this.#aheadBytes -= waiting.entry.frame.size;
  }
}

function sameBytes(a: LogEntry, b: LogEntry): boolean {
  return Buffer.compare(a.frame.encoded.bytes, b.frame.encoded.bytes) === 0;
}
