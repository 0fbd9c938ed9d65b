import { sameShard } from './log-place.ts';

/** What was noted of a place of the log. */
export interface Fact {
  /** By `performance.now()`. */
  at: number;
  /** What the one who notes makes of it. */
  detail: number;
}

const FIELDS = 3;

/**
 * The newest facts about places of the log. Noting one writes three numbers and allocates nothing but the ring itself, once.
 * Places of one shard are noted in their order.
 */
export class FactRing {
  readonly #most: number;
  #numbers: Float64Array | undefined;
  #noted = 0;

  constructor(most: number) {
    this.#most = most;
  }

  note(place: number, at: number, detail: number): void {
    this.#numbers ??= new Float64Array(this.#most * FIELDS);
    const slot = (this.#noted++ % this.#most) * FIELDS;
    this.#numbers[slot] = place;
    this.#numbers[slot + 1] = at;
    this.#numbers[slot + 2] = detail;
  }

  /** The fact about a place; undefined when there is none, or none any more: see `remembers`. */
  find(place: number): Fact | undefined {
    const slot = this.#slots().find((each) => this.#numbers?.[each] === place);
    if (slot === undefined) return undefined;
    return { at: this.#numbers?.[slot + 1] ?? 0, detail: this.#numbers?.[slot + 2] ?? 0 };
  }

  /** True when a fact about this place, had there ever been one, would still be here. */
  remembers(place: number): boolean {
    if (this.#noted <= this.#most) return true;
    return this.#slots().some((slot) => {
      const noted = this.#numbers?.[slot] ?? 0;
      return sameShard(noted, place) && noted < place;
    });
  }

  clear(): void {
    this.#noted = 0;
  }

  /** Where facts are. */
  #slots(): number[] {
    return Array.from({ length: Math.min(this.#noted, this.#most) }, (_, index) => index * FIELDS);
  }
}
