import { FactRing } from './fact-ring.ts';
import { placeOf } from './log-place.ts';

/** What became of an event on a stream; see PushState of the contract. */
export type PushFate =
  | 'pushed'
  | 'waiting'
  | 'dropped'
  | 'covered'
  | 'before'
  | 'opening'
  | 'unread'
  | 'passed-over'
  | 'forgotten';

/** What is known of an event on a stream. */
export interface PushFact {
  fate: PushFate;
  /** When it was handed over, by `performance.now()`; undefined when it was not, or that is not known. */
  at: number | undefined;
  backfill: boolean;
}

interface StreamRecordOptions {
  userId: string;
  deviceId: string;
  /** The log that its positions are of. */
  epoch: string;
  /** The positions that its cursor covers, by shard id; undefined without a cursor. */
  after: readonly number[] | undefined;
  /** How far the node has come, by shard id. */
  tails: () => number[];
}

/** How many of the newest events of a stream are remembered, 24 bytes each. */
export const REMEMBERED = 64;

/** What is remembered of a stream for operators who ask what became of an event. Numbers alone, and of bounded size. */
export class StreamRecord {
  readonly userId: string;
  readonly deviceId: string;
  readonly epoch: string;
  readonly openedAt = performance.now();
  readonly #pushes = new FactRing(REMEMBERED);
  readonly #tails: () => number[];
  #after: readonly number[] | undefined;
  #live: { at: number; through: readonly number[] } | undefined;
  #end: { at: number; reason: string; written: number; tails: readonly number[] } | undefined;

  constructor({ userId, deviceId, epoch, after, tails }: StreamRecordOptions) {
    this.userId = userId;
    this.deviceId = deviceId;
    this.epoch = epoch;
    this.#after = after;
    this.#tails = tails;
  }

  get liveAt(): number | undefined {
    return this.#live?.at;
  }

  get end(): { at: number; reason: string } | undefined {
    return this.#end;
  }

  /** A frame was handed over as the `ordinal`th of the stream. */
  handed(place: number, at: number, ordinal: number): void {
    if (place > 0) this.#pushes.note(place, at, ordinal);
  }

  /** What was missed is not replayed: it begins as without a cursor. */
  startedOver(): void {
    this.#after = undefined;
  }

  /** From here on it gets what is applied beyond these positions; up to them it has got what it is to get. */
  caughtUp(through: readonly number[]): void {
    this.#live = { at: performance.now(), through };
  }

  /** It has ended; of its frames so many had been written. */
  ended(reason: string, written: number): void {
    this.#end = { at: performance.now(), reason, written, tails: this.#tails() };
  }

  /** What became of an event. `written` is how many frames of an open stream have been written. */
  pushOf(shard: number, position: number, written: number): PushFact {
    const place = placeOf(shard, position);
    const pushed = this.#pushes.find(place);
    if (!pushed) return { fate: this.#withoutPush(shard, position), at: undefined, backfill: false };
    const isWritten = pushed.detail <= (this.#end?.written ?? written);
    const notWritten = this.#end ? 'dropped' : 'waiting';
    const backfill = this.#live === undefined || pushed.at <= this.#live.at;
    return { fate: isWritten ? 'pushed' : notWritten, at: pushed.at, backfill };
  }

  #withoutPush(shard: number, position: number): PushFate {
    if ((this.#after?.[shard] ?? 0) >= position) return 'covered';
    if (!this.#live) return this.#pushes.remembers(placeOf(shard, position)) ? 'opening' : 'forgotten';
    if (!this.#after && (this.#live.through[shard] ?? 0) >= position) return 'before';
    if (((this.#end?.tails ?? this.#tails())[shard] ?? 0) < position) return 'unread';
    return this.#pushes.remembers(placeOf(shard, position)) ? 'passed-over' : 'forgotten';
  }
}
