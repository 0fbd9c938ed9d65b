import type { PresenceFact } from './presence.ts';

/**
 * Which words of someone's absence are believed at once. A user whose last session was closed is expected to be offline when
 * the patience is over. One who vanishes without a word may be on a node that died, or in a Redis that lost what it had and
 * gets it back within a beat of every node: that has to be found twice.
 */
export class Doubts {
  /** Users whose next absence is believed. */
  readonly #expected = new Set<string>();

  /** False: look again before anyone is told. `toldOnline`: anyone was told that the user is online, and nothing since. */
  believes({ userId, online, patienceLeftMs }: PresenceFact, toldOnline: boolean): boolean {
    const doubted = !online && toldOnline && !this.#expected.has(userId);
    if (doubted || patienceLeftMs > 0) this.#expected.add(userId);
    else this.#expected.delete(userId);
    return !doubted;
  }

  forget(userId: string): void {
    this.#expected.delete(userId);
  }
}
