/** What is wrong with what a run's clients were told. All zero, or the rate beside it is worth nothing. */
export interface Faults {
  /** Acked and never seen by the recipient. */
  lost: number;
  /** Pushed to the recipient more than once. */
  duplicated: number;
  /** Seen by the recipient after one that has a later place in the conversation. */
  outOfOrder: number;
  /** Seen with another text, or with another place than the sender was told. */
  altered: number;
  /** Sent and refused, or not answered in time. */
  unacked: number;
}

/** A message as a client is pushed it. */
export interface Arrival {
  conversation: string;
  key: string;
  text: string;
  sender: string;
  /** Its place in the conversation: later messages have a greater one. */
  place: number;
}

const NOT_YET = -1;

/** Keeps account of each message of a run: acked and seen, how often, and in which order. */
export class Ledger {
  readonly #ackedPlace: Float64Array;
  readonly #seenPlace: Float64Array;
  /** By recipient and conversation. */
  readonly #lastPlace = new Map<string, number>();
  readonly #faults = { duplicated: 0, outOfOrder: 0, altered: 0 };
  #acked = 0;
  #seen = 0;
  #refused = 0;

  constructor(count: number) {
    this.#ackedPlace = new Float64Array(count).fill(NOT_YET);
    this.#seenPlace = new Float64Array(count).fill(NOT_YET);
  }

  get acked(): number {
    return this.#acked;
  }

  /** How many different messages their recipients have seen. */
  get seen(): number {
    return this.#seen;
  }

  /** How many sends were answered with an error. */
  get refused(): number {
    return this.#refused;
  }

  ackedAt(index: number, place: number): void {
    this.#ackedPlace[index] = place;
    this.#acked++;
  }

  refusedOne(): void {
    this.#refused++;
  }

  /** Whether the message is new to its recipient. `text` is what was sent. */
  seenBy(recipient: string, index: number, arrival: Arrival, text: string): boolean {
    if (arrival.text !== text) this.#faults.altered++;
    if (this.#seenPlace[index] !== NOT_YET) {
      this.#faults.duplicated++;
      return false;
    }
    const stream = `${recipient} ${arrival.conversation}`;
    if (arrival.place <= (this.#lastPlace.get(stream) ?? NOT_YET)) this.#faults.outOfOrder++;
    else this.#lastPlace.set(stream, arrival.place);
    this.#seenPlace[index] = arrival.place;
    this.#seen++;
    return true;
  }

  isAcked(index: number): boolean {
    return this.#ackedPlace[index] !== NOT_YET;
  }

  isSeen(index: number): boolean {
    return this.#seenPlace[index] !== NOT_YET;
  }

  /** The account of the first so many messages. Without receivers, nobody is expected to see any. */
  faults(sent: number, receives: boolean): Faults {
    let [lost, misplaced, unacked] = [0, 0, 0];
    for (let i = 0; i < sent; i++) {
      if (!this.isAcked(i)) unacked++;
      else if (receives && !this.isSeen(i)) lost++;
      else if (receives && this.#ackedPlace[i] !== this.#seenPlace[i]) misplaced++;
    }
    return { ...this.#faults, altered: this.#faults.altered + misplaced, lost, unacked };
  }
}
