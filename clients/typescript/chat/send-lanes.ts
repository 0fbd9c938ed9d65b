import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';
import type { Outbox, Pending } from '../store/outbox.ts';

/** What sending needs from outside. */
export interface SendPorts {
  /** Makes the call once; may be repeated. */
  send(pending: Pending, signal: AbortSignal): Promise<Message>;
  /** The message is committed, and no longer in the outbox. */
  sent(message: Message): void;
  /** The server will not take it. */
  refused(pending: Pending, sentence: string): void;
  /** Cuts waiting short when there is reason to try again now. */
  readonly pause: Pause;
}

/**
 * Sends what is in the outbox: one message of a conversation at a time, so that they are committed in the order they were
 * written, each repeated with the same client_message_id until it is answered.
 */
export class SendLanes {
  readonly #outbox: Outbox;
  readonly #ports: SendPorts;
  readonly #busy = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(outbox: Outbox, ports: SendPorts) {
    this.#outbox = outbox;
    this.#ports = ports;
  }

  /** Sends what waits in a conversation, unless that is going on already. */
  async run(conversationId: string): Promise<void> {
    if (this.#busy.has(conversationId)) return;
    this.#busy.add(conversationId);
    try {
      for (let next = this.#next(conversationId); next; next = this.#next(conversationId)) await this.#send(next);
    } finally {
      this.#busy.delete(conversationId);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  #next(conversationId: string): Pending | undefined {
    return this.#stopped.signal.aborted ? undefined : this.#outbox.next(conversationId);
  }

  async #send(pending: Pending): Promise<void> {
    const { clientMessageId } = pending;
    const { pause } = this.#ports;
    const { signal } = this.#stopped;
    // Its event may have come first, or its writer may have thought better of it.
    const isWanted = () => !signal.aborted && this.#outbox.has(clientMessageId);
    try {
      const worthRetrying = (failure: { passing: boolean }) => failure.passing && isWanted();
      const once = async () => (isWanted() ? await this.#ports.send(pending, signal) : undefined);
      const message = await retrying(once, { pause, signal, worthRetrying });
      if (!message || signal.aborted) return;
      // Its event may have settled it while the answer was on its way.
      if (this.#outbox.remove(clientMessageId)) this.#ports.sent(message);
    } catch (thrown) {
      const { violations, sentence } = failureOf(thrown);
      if (isWanted()) this.#ports.refused(pending, violations[0]?.sentence ?? sentence);
    }
  }
}
