/** A message that was written here and is not known to be committed. */
export interface Pending {
  /** The idempotency key: every attempt carries the same. */
  readonly clientMessageId: string;
  readonly conversationId: string;
  readonly text: string;
  /** When it was written, by this machine's clock, in milliseconds. */
  readonly writtenAt: number;
  /** Why the server refused it, as a sentence. Not set: it is being sent. */
  readonly refusal?: string;
}

// Keys whose messages were settled long ago are asked about no more.
const MOST_REMEMBERED = 5_000;

/** The messages of one user that wait for their answer, in the order they were written. */
export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #ours = new Set<string>();

  /** Takes over what an earlier page of this window left. */
  constructor(earlier: readonly Pending[] = []) {
    for (const pending of earlier) this.add(pending);
  }

  add(pending: Pending): void {
    this.#ours.add(pending.clientMessageId);
    for (const oldest of this.#ours) {
      if (this.#ours.size <= MOST_REMEMBERED) break;
      this.#ours.delete(oldest);
    }
    this.#pending.set(pending.clientMessageId, pending);
  }

  /** The message is committed, or its writer gave it up. False when it was not waiting. */
  remove(clientMessageId: string): boolean {
    return this.#pending.delete(clientMessageId);
  }

  /** Whether the message is still waiting. */
  has(clientMessageId: string): boolean {
    return this.#pending.has(clientMessageId);
  }

  /** The server will not take it; it stays until its writer decides. */
  refuse(clientMessageId: string, refusal: string): void {
    const pending = this.#pending.get(clientMessageId);
    if (pending) this.#pending.set(clientMessageId, { ...pending, refusal });
  }

  /** Its writer wants a refused message sent after all. */
  retry(clientMessageId: string): void {
    const pending = this.#pending.get(clientMessageId);
    if (!pending) return;
    const { refusal: _, ...unrefused } = pending;
    this.#pending.set(clientMessageId, unrefused);
  }

  /** Whether this outbox chose the key, now or before: then a committed message that carries it is the same message. */
  chose(clientMessageId: string): boolean {
    return this.#ours.has(clientMessageId);
  }

  /** The next message of a conversation to send. */
  next(conversationId: string): Pending | undefined {
    return this.of(conversationId).find(({ refusal }) => refusal === undefined);
  }

  of(conversationId: string): Pending[] {
    return this.all().filter((pending) => pending.conversationId === conversationId);
  }

  all(): Pending[] {
    return [...this.#pending.values()];
  }
}
