import type { Encoded } from '@realchat/rpc';
import type { Frame } from './frames.ts';
import type { QueueBudget } from './queue-budget.ts';

/** Where a session's frames go. */
export interface FrameSink {
  /** False when the peer is behind: what follows should wait for drained(). */
  write(frame: Encoded): boolean;
  /** Resolves when the peer has caught up, or is gone. */
  drained(): Promise<void>;
}

/** How much waits for one peer at most. */
export interface QueueLimits {
  frames: number;
  bytes: number;
}

/** Frames on their way to one peer, in order: written at once while it keeps up, held in bounds while it does not. */
export class SessionQueue {
  readonly #sink: FrameSink;
  readonly #limits: QueueLimits;
  readonly #budget: QueueBudget;
  readonly #onOverflow: () => void;
  #frames: Frame[] = [];
  #next = 0;
  #bytes = 0;
  #accepted = 0;
  #dropped = 0;
  #closed = false;
  #blockedSince: number | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(sink: FrameSink, limits: QueueLimits, budget: QueueBudget, onOverflow: () => void) {
    this.#sink = sink;
    this.#limits = limits;
    this.#budget = budget;
    this.#onOverflow = onOverflow;
  }

  /** When the peer fell behind, by `performance.now()`; undefined while it keeps up. */
  get blockedSince(): number | undefined {
    return this.#blockedSince;
  }

  /** Frames that wait here. */
  get length(): number {
    return this.#frames.length - this.#next;
  }

  /** Frames that it has taken, whatever became of them. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many of the accepted frames were written: the first so many. */
  get written(): number {
    return this.#accepted - this.length - this.#dropped;
  }

  /** True when these many frames would leave half of its bounds free, were the peer to take none of them. */
  roomFor(frames: number, bytes: number): boolean {
    return (this.length + frames) * 2 <= this.#limits.frames && (this.#bytes + bytes) * 2 <= this.#limits.bytes;
  }

  /** Sends a frame behind all that were sent before. */
  send(frame: Frame): void {
    if (this.#closed) return;
    this.#accepted++;
    if (this.#blockedSince === undefined) {
      if (!this.#sink.write(frame.encoded)) this.#await();
      return;
    }
    this.#frames.push(frame);
    this.#bytes += frame.size;
    this.#budget.hold(frame);
    if (this.length > this.#limits.frames || this.#bytes > this.#limits.bytes || this.#budget.exceeded)
      this.#onOverflow();
  }

  /** Resolves when the peer has taken all, or the queue is closed. */
  async idle(): Promise<void> {
    if (this.#closed || this.#blockedSince === undefined) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Drops what waits; the last frame, if any, is all that still goes out. */
  close(last?: Frame): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#dropped = this.length;
    this.#clear();
    if (last) this.#sink.write(last.encoded);
    this.#idle?.resolve();
  }

  #await(): void {
    this.#blockedSince = performance.now();
    this.#sink.drained().then(
      () => this.#flush(),
      () => this.close(),
    );
  }

  #flush(): void {
    if (this.#closed) return;
    this.#blockedSince = undefined;
    let frame = this.#frames[this.#next];
    while (frame) {
      this.#next++;
      this.#bytes -= frame.size;
      this.#budget.release(frame);
      if (!this.#sink.write(frame.encoded)) {
        this.#compact();
        this.#await();
        return;
      }
      frame = this.#frames[this.#next];
    }
    this.#compact();
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Gives back what was written; only now and then, as moving the rest costs its length. */
  #compact(): void {
    if (this.#next < 64 && this.#next < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#next);
    this.#next = 0;
  }

  #clear(): void {
    for (let i = this.#next; i < this.#frames.length; i++) this.#budget.release(this.#frames[i] as Frame);
    this.#frames = [];
    this.#next = 0;
    this.#bytes = 0;
  }
}
