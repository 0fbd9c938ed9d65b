import { type Charge, Pace } from './pace.ts';

/** So many subjects are remembered; whoever was not seen for longest is forgotten first. */
const MOST_SUBJECTS = 50_000;

/**
 * The counts of this process alone. What Redis allows is counted here too, so that they go on from what was when Redis goes
 * away.
 */
export class ProcessCounts {
  readonly #paces = new Map<string, Pace>();

  /** As in Redis: all are charged, or none and the wait is returned, in milliseconds. */
  take(charges: readonly Charge[], now: number): number[] {
    const paces = charges.map((charge) => this.#paceOf(charge));
    const waits = paces.map((pace) => pace.waitMs(now));
    if (waits.every((wait) => wait === 0)) for (const pace of paces) pace.spend(now);
    return waits;
  }

  /** Counts what was allowed elsewhere. */
  note(charges: readonly Charge[], now: number): void {
    for (const charge of charges) this.#paceOf(charge).spend(now);
  }

  giveBack(charges: readonly Charge[], now: number): void {
    for (const charge of charges) this.#paceOf(charge).giveBack(now);
  }

  get size(): number {
    return this.#paces.size;
  }

  #paceOf({ name, limit, subject }: Charge): Pace {
    const key = `${name}:${subject}`;
    const known = this.#paces.get(key);
    if (known !== undefined) {
      this.#paces.delete(key);
      this.#paces.set(key, known);
      return known;
    }
    this.#makeRoom();
    const part = limit.withoutRedis ?? 1;
    const pace = new Pace({ ...limit, count: limit.count * part, burst: Math.max(1, Math.floor(limit.burst * part)) });
    this.#paces.set(key, pace);
    return pace;
  }

  #makeRoom(): void {
    if (this.#paces.size < MOST_SUBJECTS) return;
    const [oldest] = this.#paces.keys();
    if (oldest !== undefined) this.#paces.delete(oldest);
  }
}
