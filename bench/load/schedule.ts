/** When each message of a run is due, whatever became of those before it: an open loop. Times are in milliseconds. */
export class Schedule {
  readonly #start: number;
  readonly #intervalMs: number;
  readonly count: number;
  #taken = 0;

  constructor(start: number, perSecond: number, count: number) {
    this.#start = start;
    this.#intervalMs = 1000 / perSecond;
    this.count = count;
  }

  /** How many were taken so far. */
  get taken(): number {
    return this.#taken;
  }

  dueOf(index: number): number {
    return this.#start + index * this.#intervalMs;
  }

  /** The indexes that are due by now and were not taken before, as `[from, to)`. */
  take(now: number): [from: number, to: number] {
    const from = this.#taken;
    const due = Math.floor((now - this.#start) / this.#intervalMs) + 1;
    this.#taken = Math.min(this.count, Math.max(from, due));
    return [from, this.#taken];
  }
}
