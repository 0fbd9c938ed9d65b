import type { StreamRecord } from './stream-record.ts';

/** A stream that is open, with what is remembered of it. */
interface OpenStream {
  readonly userId: string;
  readonly record: StreamRecord;
  /** Frames that have been written to the connection. */
  readonly written: number;
  /** Frames that wait for the peer. */
  readonly waiting: number;
}

/** What is remembered of a user's streams. */
export interface Remembered {
  record: StreamRecord;
  /** Of an open stream; of one that has ended its record knows. */
  written: number;
  waiting: number;
}

/** How much is remembered of what is over. */
interface BookLimits {
  /** Streams that have ended. */
  ended: number;
  /** Users of whom it is known that a stream was forgotten. */
  forgotten: number;
}

/** The streams of this node that are open, the newest that have ended, and of whom others were forgotten. */
export class StreamBook {
  readonly #limits: BookLimits;
  readonly #open = new Map<string, Set<OpenStream>>();
  readonly #ended: StreamRecord[] = [];
  #nextEnded = 0;
  /** When the newest forgotten stream of a user ended; who was added last is last. */
  readonly #forgotten = new Map<string, number>();
  /** The same of all users who are not in the map any more. */
  #othersForgottenAt: number | undefined;

  constructor(limits: BookLimits) {
    this.#limits = limits;
  }

  opened(stream: OpenStream): void {
    const ofUser = this.#open.get(stream.userId);
    if (ofUser) ofUser.add(stream);
    else this.#open.set(stream.userId, new Set([stream]));
  }

  ended(stream: OpenStream): void {
    const ofUser = this.#open.get(stream.userId);
    ofUser?.delete(stream);
    if (ofUser?.size === 0) this.#open.delete(stream.userId);
    this.#forget(this.#ended[this.#nextEnded]);
    this.#ended[this.#nextEnded] = stream.record;
    this.#nextEnded = (this.#nextEnded + 1) % this.#limits.ended;
  }

  /** True when a stream of the user that ended after `since`, by `performance.now()`, may not be remembered any more. */
  hasForgotten(userId: string, since: number): boolean {
    const at = this.#forgotten.get(userId) ?? this.#othersForgottenAt;
    return at !== undefined && at >= since;
  }

  /** The user's streams of a log, in the order of their beginning, without those that ended before `since`. */
  find(userId: string, epoch: string, since: number): Remembered[] {
    const ended = this.#ended
      .filter((record) => record.userId === userId && (record.end?.at ?? 0) >= since)
      .map((record) => ({ record, written: 0, waiting: 0 }));
    const open = [...(this.#open.get(userId) ?? [])].map(({ record, written, waiting }) => ({
      record,
      written,
      waiting,
    }));
    return [...ended, ...open]
      .filter(({ record }) => record.epoch === epoch)
      .toSorted((a, b) => a.record.openedAt - b.record.openedAt);
  }

  #forget(record: StreamRecord | undefined): void {
    if (!record?.end) return;
    this.#forgotten.delete(record.userId);
    this.#forgotten.set(record.userId, record.end.at);
    if (this.#forgotten.size <= this.#limits.forgotten) return;
    for (const [userId, at] of this.#forgotten) {
      this.#forgotten.delete(userId);
      this.#othersForgottenAt = at;
      return;
    }
  }
}
