import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type PresenceSchema,
  PresenceState,
  type WatchPresenceResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Ending, slowConsumer, tokenExpired } from './endings.ts';
import { type PresenceFact, toPresence } from './presence.ts';
import { HEARTBEAT_MS, STALL_MS } from './session.ts';

type WatchFrame = MessageInitShape<typeof WatchPresenceResponseSchema>;

/** Where a watch's frames go. */
export interface WatchSink {
  /** False when the peer is behind: what follows waits for drained(). */
  write(frame: WatchFrame): boolean;
  /** Resolves when the peer has caught up, or is gone. */
  drained(): Promise<void>;
}

interface WatchOptions {
  userId: string;
  /** The login that the token is of. */
  loginId: string;
  /** When the token that opened it ends, in milliseconds since the epoch. */
  expiresAt: number;
  /** Whom the caller asked for, whether they may know of them or not. */
  askedIds: readonly string[];
  sink: WatchSink;
  /** Something was told. */
  onTold?: (state: PresenceState) => void;
}

/** One stream of presence. What waits for a slow peer is the newest of each user, so it is bounded by whom it watches. */
export class Watch {
  readonly userId: string;
  readonly loginId: string;
  readonly askedIds: readonly string[];
  /** Settled when it has ended, and how. */
  readonly ended: Promise<Ending>;
  readonly #options: WatchOptions;
  readonly #resolveEnded: (ending: Ending) => void;
  /** What the peer was told last of each user that may be seen; undefined: nothing yet. */
  readonly #told = new Map<string, PresenceFact | undefined>();
  /** Of whom nothing is told until it is known again that they may be seen. */
  readonly #muted = new Set<string>();
  readonly #waiting = new Map<string, WatchFrame>();
  #blockedSince: number | undefined;
  #lastSentAt = performance.now();
  #over = false;

  constructor(options: WatchOptions) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.userId = options.userId;
    this.loginId = options.loginId;
    this.askedIds = options.askedIds;
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#options = options;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whom it may tell of. */
  get visibleIds(): Iterable<string> {
    return this.#told.keys();
  }

  watches(userId: string): boolean {
    return this.#told.has(userId);
  }

  /** Tells nothing of a user, or of anyone, until `show` says who may be seen. */
  mute(userId?: string): void {
    if (userId !== undefined) this.#muted.add(userId);
    else for (const id of this.#told.keys()) this.#muted.add(id);
  }

  /**
   * From now on these may be seen, and nobody else. Returns those whose presence is to be read, as it is not known here or
   * may have changed while nothing was told of them, and those who are seen no more.
   */
  show(visible: ReadonlySet<string>): { unknown: string[]; gone: string[] } {
    const gone = [...this.#told.keys()].filter((userId) => !visible.has(userId));
    for (const userId of gone) {
      const known = this.#told.get(userId) !== undefined;
      this.#told.delete(userId);
      if (known) this.#tell(userId, { userId, state: PresenceState.UNSPECIFIED });
    }
    const unknown = [...visible].filter((userId) => !this.#told.has(userId) || this.#muted.has(userId));
    for (const userId of visible) if (!this.#told.has(userId)) this.#told.set(userId, undefined);
    this.#muted.clear();
    return { unknown, gone };
  }

  /** Whether the peer believes that a user is online. */
  believesOnline(userId: string): boolean {
    return this.#told.get(userId)?.online === true;
  }

  /** Tells what is new in a fact, of who may be seen. */
  learn(fact: PresenceFact): void {
    const { userId } = fact;
    if (this.#over || !this.#told.has(userId) || this.#muted.has(userId)) return;
    const known = this.#told.get(userId);
    // Of someone who is offline still, 0 says nothing.
    const same = fact.online || fact.seenAt === 0 || known?.seenAt === fact.seenAt;
    if (known?.online === fact.online && same) return;
    this.#told.set(userId, fact);
    this.#tell(userId, toPresence(fact));
  }

  /** Whether anything was told of a user who may be seen. */
  knows(userId: string): boolean {
    return this.#told.get(userId) !== undefined;
  }

  /** What is due by time: its end, a heartbeat. `now` by performance.now(), `clock` by Date.now(). */
  tick(now: number, clock: number): void {
    if (this.#over) return;
    if (clock >= this.#options.expiresAt) this.end(tokenExpired());
    else if (this.#blockedSince !== undefined && now - this.#blockedSince > STALL_MS) this.end(slowConsumer());
    else if (this.#blockedSince === undefined && now - this.#lastSentAt >= HEARTBEAT_MS) {
      const value = { time: timestampFromMs(clock), interval: durationFromMs(HEARTBEAT_MS) };
      this.#write({ frame: { case: 'heartbeat', value } }, now);
    }
  }

  /** Ends it, once. What waits is dropped: whoever watches again is told what holds then. */
  end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting.clear();
    this.#resolveEnded(ending);
  }

  #tell(userId: string, presence: MessageInitShape<typeof PresenceSchema>): void {
    const frame: WatchFrame = { frame: { case: 'presence', value: presence } };
    this.#options.onTold?.(presence.state ?? PresenceState.UNSPECIFIED);
    if (this.#blockedSince === undefined) {
      this.#write(frame, performance.now());
      return;
    }
    // The newest goes last, so that what is told is in the order of what happened.
    this.#waiting.delete(userId);
    this.#waiting.set(userId, frame);
  }

  #write(frame: WatchFrame, now: number): void {
    this.#lastSentAt = now;
    if (this.#options.sink.write(frame)) return;
    this.#blockedSince = now;
    this.#options.sink.drained().then(
      () => this.#flush(),
      () => {},
    );
  }

  #flush(): void {
    if (this.#over) return;
    this.#blockedSince = undefined;
    for (const [userId, frame] of this.#waiting) {
      this.#waiting.delete(userId);
      this.#write(frame, performance.now());
      if (this.#blockedSince !== undefined) return;
    }
  }
}
