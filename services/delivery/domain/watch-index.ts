import type { LogEntry } from './log-entry.ts';
import type { Watch } from './watch.ts';

/** Which watches concern a user: as the one who watches, as one who is seen, or as one who was asked for. */
export class WatchIndex {
  readonly #all = new Set<Watch>();
  readonly #ofWatcher = new Map<string, Set<Watch>>();
  readonly #asking = new Map<string, Set<Watch>>();
  readonly #seeing = new Map<string, Set<Watch>>();

  get watchedUsers(): number {
    return this.#seeing.size;
  }

  add(watch: Watch): void {
    this.#all.add(watch);
    addTo(this.#ofWatcher, watch.userId, watch);
    for (const userId of watch.askedIds) addTo(this.#asking, userId, watch);
  }

  /** Returns the users whom nobody sees any more. */
  remove(watch: Watch): string[] {
    this.#all.delete(watch);
    removeFrom(this.#ofWatcher, watch.userId, watch);
    for (const userId of watch.askedIds) removeFrom(this.#asking, userId, watch);
    return this.unsee(watch, watch.visibleIds);
  }

  see(watch: Watch, userIds: Iterable<string>): void {
    for (const userId of userIds) addTo(this.#seeing, userId, watch);
  }

  /** Returns the users whom nobody sees any more. */
  unsee(watch: Watch, userIds: Iterable<string>): string[] {
    return [...userIds].filter((userId) => removeFrom(this.#seeing, userId, watch));
  }

  seeing(userId: string): Iterable<Watch> {
    return this.#seeing.get(userId) ?? [];
  }

  /**
   * An event of the log was applied: who left is seen, and sees, no more until it is known again. Returns the watches of
   * which it has to be asked anew whom they may see.
   */
  apply({ membership }: Pick<LogEntry, 'membership'>): Set<Watch> {
    const concerned = new Set<Watch>();
    if (membership === undefined || this.#all.size === 0) return concerned;
    if (membership === 'unreadable') {
      for (const watch of this.#all) watch.mute();
      return new Set(this.#all);
    }
    for (const userId of membership.joined) {
      for (const watch of this.#ofWatcher.get(userId) ?? []) concerned.add(watch);
      for (const watch of this.#asking.get(userId) ?? []) if (!watch.watches(userId)) concerned.add(watch);
    }
    if (membership.left === undefined) return concerned;
    for (const watch of this.#ofWatcher.get(membership.left) ?? []) {
      watch.mute();
      concerned.add(watch);
    }
    for (const watch of this.#seeing.get(membership.left) ?? []) {
      watch.mute(membership.left);
      concerned.add(watch);
    }
    return concerned;
  }
}

function addTo(index: Map<string, Set<Watch>>, key: string, watch: Watch): void {
  const watches = index.get(key);
  if (watches) watches.add(watch);
  else index.set(key, new Set([watch]));
}

/** True when the key has no watch any more. */
function removeFrom(index: Map<string, Set<Watch>>, key: string, watch: Watch): boolean {
  const watches = index.get(key);
  if (!watches) return false;
  watches.delete(watch);
  return watches.size === 0 && index.delete(key);
}
