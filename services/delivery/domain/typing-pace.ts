/** What repeats what was told less than so long ago is swallowed, in milliseconds. */
const REPEAT_MS = 1_000;
/** A user who starts and stops is told of at most so often in that time, in each conversation. */
const MOST = 4;

interface Told {
  active: boolean;
  since: number;
  count: number;
}

/**
 * How often a user's typing is told, in each conversation. It remembers two generations of a second each, so that what it
 * holds is bounded by the calls of two seconds.
 */
export class TypingPace {
  #current = new Map<string, Told>();
  #before = new Map<string, Told>();
  #begunAt = Number.NEGATIVE_INFINITY;

  /** False when this is to be swallowed. `now` by performance.now(). */
  lets(userId: string, conversationId: string, active: boolean, now: number): boolean {
    this.#age(now);
    const key = `${userId}/${conversationId}`;
    const told = this.#current.get(key) ?? this.#before.get(key);
    if (!told || now - told.since >= REPEAT_MS) {
      this.#current.set(key, { active, since: now, count: 1 });
      return true;
    }
    if (told.active === active || told.count >= MOST) return false;
    told.active = active;
    told.count++;
    return true;
  }

  #age(now: number): void {
    if (now - this.#begunAt < REPEAT_MS) return;
    this.#before = now - this.#begunAt < 2 * REPEAT_MS ? this.#current : new Map();
    this.#current = new Map();
    this.#begunAt = now;
  }
}
