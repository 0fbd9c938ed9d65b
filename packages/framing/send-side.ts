import type { Budget } from './budget.ts';
import { Fifo } from './fifo.ts';
import { EMPTY, Kind, type WireFrame } from './frame.ts';
import { type Limits, PIECE_OVERHEAD, SEND_WATERMARK } from './limits.ts';

const MAX_CREDIT = 2 ** 31 - 1;

interface Item {
  readonly kind: Kind;
  readonly payload: Uint8Array;
}

/** What one end of a call has to send: its frames in order, the messages among them as far as credit allows. */
export class SendSide {
  readonly call: number;
  /** Called when the queue has shrunk again after `push` had asked to wait. */
  drained: () => void = () => {};
  readonly #maxPartBytes: number;
  readonly #budget: Budget;
  readonly #queue = new Fifo<Item>();
  /** How much of the message at the head of the queue has left. */
  #sent = 0;
  #credit: number;
  #queued = 0;
  #full = false;

  constructor(call: number, limits: Limits, budget: Budget) {
    this.call = call;
    this.#credit = limits.initialCredit;
    this.#maxPartBytes = limits.maxPartBytes;
    this.#budget = budget;
  }

  /** Queues a frame that needs no credit. */
  pushControl(kind: Kind, payload: Uint8Array = EMPTY): void {
    this.#queue.push({ kind, payload });
  }

  /** Queues a message. False: the session has no room for it, and it was not taken. */
  pushMessage(payload: Uint8Array): boolean {
    const bytes = payload.length + PIECE_OVERHEAD;
    if (!this.#budget.take(bytes)) return false;
    this.#queued += bytes;
    this.#queue.push({ kind: Kind.message, payload });
    if (this.#queued >= SEND_WATERMARK) this.#full = true;
    return true;
  }

  /** Whether whoever sends should wait for `drained`. */
  get full(): boolean {
    return this.#full;
  }

  addCredit(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, MAX_CREDIT);
  }

  /** Forgets what has not left. */
  clear(): void {
    this.#queue.clear();
    this.#budget.release(this.#queued);
    this.#queued = 0;
    this.#sent = 0;
  }

  /** Whether `next` would return a frame. */
  get sendable(): boolean {
    const item = this.#queue.peek();
    if (item === undefined) return false;
    return item.kind !== Kind.message || this.#pieceBytes(item) + PIECE_OVERHEAD <= this.#credit;
  }

  /** Takes the next frame that may leave: a large message leaves in pieces. */
  next(): WireFrame | undefined {
    const item = this.#queue.peek();
    if (item === undefined || !this.sendable) return undefined;
    if (item.kind !== Kind.message) {
      this.#queue.shift();
      return { call: this.call, kind: item.kind, payload: item.payload };
    }
    const bytes = this.#pieceBytes(item);
    const payload = item.payload.subarray(this.#sent, this.#sent + bytes);
    this.#credit -= bytes + PIECE_OVERHEAD;
    this.#sent += bytes;
    if (this.#sent < item.payload.length) {
      this.#release(bytes);
      return { call: this.call, kind: Kind.part, payload };
    }
    this.#queue.shift();
    this.#sent = 0;
    this.#release(bytes + PIECE_OVERHEAD);
    return { call: this.call, kind: Kind.message, payload };
  }

  #pieceBytes(item: Item): number {
    return Math.min(this.#maxPartBytes, item.payload.length - this.#sent);
  }

  #release(bytes: number): void {
    this.#queued -= bytes;
    this.#budget.release(bytes);
    if (this.#full && this.#queued * 2 <= SEND_WATERMARK) {
      this.#full = false;
      this.drained();
    }
  }
}
