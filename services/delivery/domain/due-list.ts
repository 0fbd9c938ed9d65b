/** When each of many keys is to be looked at next. Times are by performance.now(). */
export class DueList {
  readonly #dueAt = new Map<string, number>();
  /** Keys that are wanted sooner than was planned, and were not taken since. */
  readonly #hastened = new Set<string>();

  has(key: string): boolean {
    return this.#dueAt.has(key);
  }

  /** Looks at a key no later than then. */
  notLater(key: string, at: number): void {
    const known = this.#dueAt.get(key);
    if (known !== undefined && known <= at) return;
    this.#dueAt.set(key, at);
    this.#hastened.add(key);
  }

  /** Looks at all of them no later than then. */
  allNotLater(at: number): void {
    for (const key of this.#dueAt.keys()) this.notLater(key, at);
  }

  /** Looks at a known key then, unless it was wanted sooner since it was taken last. */
  plan(key: string, at: number): void {
    if (this.#dueAt.has(key) && !this.#hastened.has(key)) this.#dueAt.set(key, at);
  }

  delete(key: string): void {
    this.#dueAt.delete(key);
    this.#hastened.delete(key);
  }

  /** Some of those that are due. They are planned for `again`, lest they be taken twice. */
  take(now: number, most: number, again: number): string[] {
    const due: string[] = [];
    for (const [key, at] of this.#dueAt) {
      if (due.length >= most) break;
      if (at <= now) due.push(key);
    }
    for (const key of due) {
      this.#dueAt.set(key, again);
      this.#hastened.delete(key);
    }
    return due;
  }
}
