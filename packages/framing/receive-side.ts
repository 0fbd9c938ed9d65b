import { Assembly } from './assembly.ts';
import type { Budget } from './budget.ts';
import { Fifo } from './fifo.ts';
import { type Limits, PIECE_OVERHEAD } from './limits.ts';
import { CallFault, Code } from './status.ts';

/** What one end of a call does with what it receives. */
export interface Receiver {
  /** Takes a message. May pause the side. */
  message(message: Uint8Array): void;
  /** The peer sends no more, and every message has been taken. */
  finished(): void;
  /** So much credit is due that it should be sent. */
  creditDue(): void;
}

interface Waiting {
  readonly message: Uint8Array;
  /** What it takes of the session's budget. */
  readonly held: number;
  /** The credit to return when it is taken. */
  readonly owed: number;
}

/**
 * What one end of a call receives: messages put together from their pieces, held while the application pauses.
 *
 * Credit is returned when the application takes a message. The pieces of an incomplete one return theirs at once, or a
 * message larger than the credit could never arrive; but only while nothing else waits, so that a call whose application
 * pauses holds one large message and one window of small ones at most.
 */
export class ReceiveSide {
  readonly #receiver: Receiver;
  readonly #limits: Limits;
  readonly #budget: Budget;
  readonly #assembly: Assembly;
  readonly #waiting = new Fifo<Waiting>();
  /** What the peer may still send. */
  #window: number;
  #held = 0;
  #owed = 0;
  #due = 0;
  #paused = false;
  #handing = false;
  #state: 'open' | 'finishing' | 'closed' = 'open';

  constructor(receiver: Receiver, limits: Limits, budget: Budget) {
    this.#receiver = receiver;
    this.#limits = limits;
    this.#budget = budget;
    this.#window = limits.initialCredit;
    this.#assembly = new Assembly(limits.maxMessageBytes);
  }

  /**
   * Takes a piece from the peer.
   *
   * @throws CallFault when the peer may not send it.
   */
  receive(piece: Uint8Array, last: boolean): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'finishing') throw new CallFault(Code.INTERNAL, 'a message after the last one');
    const cost = piece.length + PIECE_OVERHEAD;
    this.#refuse(piece.length > this.#limits.maxPartBytes, `a piece of more than ${this.#limits.maxPartBytes} bytes`);
    this.#refuse(cost > this.#window, 'more than there was credit for');
    const tooLarge = this.#assembly.length + piece.length > this.#limits.maxMessageBytes;
    this.#refuse(tooLarge, `a message of more than ${this.#limits.maxMessageBytes} bytes`);
    this.#refuse(!this.#budget.take(cost), 'more than the session can hold');
    this.#window -= cost;
    this.#held += cost;
    this.#owed += cost;
    if (last) {
      const message = this.#assembly.finish(piece);
      this.#waiting.push({ message: this.#handsOn ? message : compact(message), held: this.#held, owed: this.#owed });
      this.#held = 0;
      this.#owed = 0;
      this.#handOn();
    } else {
      this.#assembly.append(piece);
      this.#returnOwed();
    }
  }

  /**
   * The peer sends no more.
   *
   * @throws CallFault when the peer may not stop here.
   */
  finish(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'finishing') throw new CallFault(Code.INTERNAL, 'the last message was announced twice');
    if (this.#assembly.started) throw new CallFault(Code.INTERNAL, 'the last message is incomplete');
    this.#state = 'finishing';
    this.#handOn();
  }

  /** The pieces of an incomplete message lead nowhere. */
  dropIncomplete(): void {
    this.#budget.release(this.#held);
    this.#held = 0;
    this.#assembly.clear();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#handOn();
  }

  /** Drops what is held, and whatever comes. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#budget.release(next.held);
    this.dropIncomplete();
  }

  /** Takes the credit to send to the peer. */
  takeCredit(): number {
    const credit = this.#state === 'open' ? this.#due : 0;
    this.#due = 0;
    return credit;
  }

  get #handsOn(): boolean {
    return !this.#paused && !this.#handing && this.#waiting.length === 0;
  }

  #handOn(): void {
    if (this.#handing) return;
    this.#handing = true;
    try {
      while (!this.#paused) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        this.#budget.release(next.held);
        this.#return(next.owed);
        this.#returnOwed();
        this.#receiver.message(next.message);
      }
    } finally {
      this.#handing = false;
    }
    if (this.#state === 'finishing' && !this.#paused && this.#waiting.length === 0) {
      this.close();
      this.#receiver.finished();
    }
  }

  #returnOwed(): void {
    if (this.#waiting.length > 0) return;
    this.#return(this.#owed);
    this.#owed = 0;
  }

  #return(credit: number): void {
    this.#window += credit;
    this.#due += credit;
    if (this.#state === 'open' && this.#due * 4 >= this.#limits.initialCredit) this.#receiver.creditDue();
  }

  #refuse(refused: boolean, what: string): void {
    if (refused) throw new CallFault(Code.RESOURCE_EXHAUSTED, `the peer sent ${what}`);
  }
}

/** A small view would keep all of a large buffer alive while it waits. */
function compact(message: Uint8Array): Uint8Array {
  return message.length * 2 < message.buffer.byteLength ? message.slice() : message;
}
