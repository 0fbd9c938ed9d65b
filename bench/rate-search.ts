/** Close enough: the highest kept rate and the lowest that was not are within 8 %. */
const PRECISION = 1.08;
const GROWTH = 1.6;
const LOWEST = 20;
const MOST_STEPS = 14;

/** Finds the highest rate that is kept: first a bracket, then its middle, again and again. */
export class RateSearch {
  #kept = 0;
  #failed = Number.POSITIVE_INFINITY;
  #next: number;
  #steps = 0;

  constructor(first: number) {
    this.#next = first;
  }

  /** The highest rate that was kept so far; 0 for none. */
  get highest(): number {
    return this.#kept;
  }

  /** The rate to try next; undefined when enough is known. */
  get next(): number | undefined {
    const known = this.#failed / this.#kept <= PRECISION || this.#failed <= LOWEST;
    return known || this.#steps >= MOST_STEPS ? undefined : this.#next;
  }

  /** What came of the rate that was to be tried. */
  tell(kept: boolean): void {
    this.#steps++;
    if (kept) this.#kept = this.#next;
    else this.#failed = this.#next;
    this.#next = this.#choose();
  }

  #choose(): number {
    if (this.#failed === Number.POSITIVE_INFINITY) return rounded(this.#kept * GROWTH);
    if (this.#kept === 0) return rounded(this.#failed / 2);
    return rounded(Math.sqrt(this.#kept * this.#failed));
  }
}

function rounded(rate: number): number {
  return Math.max(LOWEST, Math.round(rate / 10) * 10);
}
