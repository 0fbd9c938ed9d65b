import { type LimitTable, Pace } from '@realchat/limits';

/** How much a socket's client sends. Who sends more than any client has to is no client. */
export class Traffic {
  readonly #messages: Pace;
  readonly #bytes: Pace;

  constructor({ socket_messages, socket_bytes }: LimitTable) {
    this.#messages = new Pace(socket_messages);
    this.#bytes = new Pace(socket_bytes);
  }

  /** Counts a WebSocket message. False when it is one too many, or too much. */
  take(bytes: number): boolean {
    const now = performance.now();
    if (this.#messages.waitMs(now) > 0 || this.#bytes.waitMs(now, bytes) > 0) return false;
    this.#messages.spend(now);
    this.#bytes.spend(now, bytes);
    return true;
  }
}
