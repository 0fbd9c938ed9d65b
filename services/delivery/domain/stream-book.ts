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

/** The streams of this node that are open, and the newest that have ended. */
export class StreamBook {
  readonly #mostEnded: number;
  readonly #open = new Map<string, Set<OpenStream>>();
  readonly #ended: StreamRecord[] = [];
  #nextEnded = 0;
  #forgottenAt: number | undefined;

  constructor(mostEnded: number) {
    this.#mostEnded = mostEnded;
  }

  /** When the newest of the streams ended that are not remembered any more, by `performance.now()`; undefined: all are. */
  get forgottenAt(): number | undefined {
    return this.#forgottenAt;
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
    this.#forgottenAt = this.#ended[this.#nextEnded]?.end?.at ?? this.#forgottenAt;
    this.#ended[this.#nextEnded] = stream.record;
    this.#nextEnded = (this.#nextEnded + 1) % this.#mostEnded;
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
}
