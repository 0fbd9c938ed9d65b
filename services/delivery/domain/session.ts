import { type Ending, slowConsumer, tokenExpired } from './endings.ts';
import { checkpointFrame, type Frame, heartbeatFrame } from './frames.ts';
import type { LogEntry } from './log-entry.ts';
import type { QueueBudget } from './queue-budget.ts';
import { type FrameSink, type QueueLimits, SessionQueue } from './session-queue.ts';
import type { StreamRecord } from './stream-record.ts';

/** Silence after which a heartbeat is sent, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** The least time between two checkpoints of a session that gets events, in milliseconds. */
const CHECKPOINT_MS = 1_000;
/** The same for a session that gets none: the log moves on without it, and its cursor must not fall far behind. */
const IDLE_CHECKPOINT_MS = 30_000;
/** A peer that takes nothing for so long while something waits for it is given up, in milliseconds. */
export const STALL_MS = 30_000;

export type SessionState = 'opening' | 'replaying' | 'live' | 'ended';

/** The live sessions of a conversation's members on this node. */
export interface Audience {
  readonly conversationId: string;
  readonly sessions: Set<Session>;
}

/** Where the node stands, for a session's cursor. */
export interface Place {
  /** Grows with every step of the log. */
  progress(): number;
  /** The cursor of a user who has got everything up to the node's tails, or up to `floors` where those are further. */
  cursor(userId: string, floors: readonly number[] | undefined): Uint8Array;
}

interface SessionOptions {
  userId: string;
  /** The login that the token is of; several streams may be of one. */
  loginId: string;
  /** When the token that opened it ends, in milliseconds since the epoch. */
  expiresAt: number;
  place: Place;
  sink: FrameSink;
  limits: QueueLimits;
  budget: QueueBudget;
  /** Remembers what it sends. */
  record: StreamRecord;
}

/** One stream of one user. */
export class Session {
  readonly userId: string;
  readonly loginId: string;
  readonly record: StreamRecord;
  /** The conversations whose events it gets; the hub's to change. */
  readonly audiences = new Set<Audience>();
  /** Settled when the session has ended, and how. */
  readonly ended: Promise<Ending>;
  readonly #expiresAt: number;
  readonly #place: Place;
  readonly #queue: SessionQueue;
  readonly #resolveEnded: (ending: Ending) => void;
  #state: SessionState = 'opening';
  #floors: readonly number[] | undefined;
  #lastSentAt = performance.now();
  #checkpointAt = 0;
  #checkpointProgress = 0;
  #sentSinceCheckpoint = false;

  constructor(options: SessionOptions) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.userId = options.userId;
    this.loginId = options.loginId;
    this.record = options.record;
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#expiresAt = options.expiresAt;
    this.#place = options.place;
    this.#queue = new SessionQueue(options.sink, options.limits, options.budget, () => this.end(slowConsumer()));
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Frames that have been written, the first so many of all that it was given. */
  get written(): number {
    return this.#queue.written;
  }

  /** Frames that wait for the peer. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Sends what was missed; the snapshot's frames and nothing else go out until `goLive`. */
  startReplay(): void {
    if (this.#state === 'opening') this.#state = 'replaying';
  }

  /** Sends a frame behind all that were sent before. */
  send(frame: Frame): void {
    if (this.#state === 'ended') return;
    this.#queue.send(frame);
    this.#lastSentAt = performance.now();
    this.#sentSinceCheckpoint = true;
    this.record.handed(frame.place, this.#lastSentAt, this.#queue.accepted);
  }

  /** Sends a frame that may be lost, unless something waits already: false then, and while it is not live. */
  offer(frame: Frame): boolean {
    if (this.#state !== 'live' || this.#queue.blockedSince !== undefined) return false;
    this.#sendOwn(frame, performance.now());
    return true;
  }

  /** True when these entries can be sent at once without any risk of an overflow. */
  roomFor(entries: readonly LogEntry[]): boolean {
    const bytes = entries.reduce((sum, entry) => sum + entry.frame.size, 0);
    return this.#queue.roomFor(entries.length, bytes);
  }

  /** Resolves when the peer has taken all that was sent, or the session has ended. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /**
   * From here on it gets events as they are applied. `floors` are positions that it has got beyond the node's own tails,
   * by shard id: what the node applies up to there is not for it any more.
   */
  goLive(floors: readonly number[] | undefined, caughtUp: (cursor: Uint8Array) => Frame): void {
    if (this.#state === 'ended') return;
    this.#state = 'live';
    this.#floors = floors;
    const now = performance.now();
    this.#sendOwn(caughtUp(this.#cursor(now)), now);
  }

  /** True when an entry is beyond what it has got by its snapshot, and it has not ended. */
  takes(entry: LogEntry): boolean {
    if (this.#state === 'ended') return false;
    return this.#floors === undefined || entry.position > (this.#floors[entry.shard] ?? 0);
  }

  /** What is due by time: its end, a checkpoint, a heartbeat. `now` by performance.now(), `clock` by Date.now(). */
  tick(now: number, clock: number): void {
    if (this.#state === 'ended') return;
    const { blockedSince } = this.#queue;
    if (clock >= this.#expiresAt) this.end(tokenExpired());
    else if (blockedSince !== undefined && now - blockedSince > STALL_MS) this.end(slowConsumer());
    else if (this.#checkpointDue(now)) this.#sendOwn(checkpointFrame(this.#cursor(now)), now);
    else if (blockedSince === undefined && now - this.#lastSentAt >= HEARTBEAT_MS) {
      this.#sendOwn(heartbeatFrame(clock, HEARTBEAT_MS), now);
    }
  }

  /** Ends it, once: what waits is dropped, and the farewell is the last that goes out. */
  end(ending: Ending): void {
    if (this.#state === 'ended') return;
    const farewell = ending.farewell === 'checkpoint' ? this.#lastCheckpoint() : ending.farewell;
    this.#state = 'ended';
    this.#queue.close(farewell);
    this.record.ended(ending.reason, this.#queue.written);
    this.#resolveEnded(ending);
  }

  #checkpointDue(now: number): boolean {
    if (this.#state !== 'live' || this.#place.progress() === this.#checkpointProgress) return false;
    return now - this.#checkpointAt >= (this.#sentSinceCheckpoint ? CHECKPOINT_MS : IDLE_CHECKPOINT_MS);
  }

  /** Only when nothing waits: a cursor must never cover an event that is dropped. */
  #lastCheckpoint(): Frame | undefined {
    if (this.#state !== 'live' || this.#queue.length > 0) return undefined;
    return this.#place.progress() === this.#checkpointProgress
      ? undefined
      : checkpointFrame(this.#cursor(performance.now()));
  }

  /** A frame that no checkpoint needs to follow. */
  #sendOwn(frame: Frame, now: number): void {
    this.#queue.send(frame);
    this.#lastSentAt = now;
  }

  #cursor(now: number): Uint8Array {
    this.#checkpointAt = now;
    this.#checkpointProgress = this.#place.progress();
    this.#sentSinceCheckpoint = false;
    return this.#place.cursor(this.userId, this.#floors);
  }
}
