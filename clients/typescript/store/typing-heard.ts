const LASTS_MS = 6_000;

/** Who is typing where, as far as it was heard of in the last six seconds. */
export class TypingHeard {
  readonly #changed: (conversationId: string) => void;
  readonly #timers = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();

  /** @param changed is told when others type in a conversation than before. */
  constructor(changed: (conversationId: string) => void) {
    this.#changed = changed;
  }

  /** The users that type in a conversation, those who began first at the head. */
  in(conversationId: string): string[] {
    return [...(this.#timers.get(conversationId)?.keys() ?? [])];
  }

  /** A user types, or has stopped. */
  take(conversationId: string, userId: string, active: boolean): void {
    if (!active) return this.stopped(conversationId, userId);
    const users = this.#timers.get(conversationId) ?? new Map<string, ReturnType<typeof setTimeout>>();
    const isNew = !users.has(userId);
    clearTimeout(users.get(userId));
    users.set(
      userId,
      setTimeout(() => this.stopped(conversationId, userId), LASTS_MS),
    );
    this.#timers.set(conversationId, users);
    if (isNew) this.#changed(conversationId);
  }

  /** A user has stopped typing, as who sends a message has. */
  stopped(conversationId: string, userId: string): void {
    const users = this.#timers.get(conversationId);
    clearTimeout(users?.get(userId));
    if (!users?.delete(userId)) return;
    if (users.size === 0) this.#timers.delete(conversationId);
    this.#changed(conversationId);
  }

  /** Forgets all, and tells nobody. */
  clear(): void {
    for (const users of this.#timers.values()) for (const timer of users.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
