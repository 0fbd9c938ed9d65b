/** What telling of typing needs from outside. */
export interface TypingPorts {
  /** Tells the server; may fail, and is not repeated then. */
  set(conversationId: string, active: boolean): Promise<unknown>;
}

const TELL_EVERY_MS = 3_000;
const IDLE_MS = 4_000;

/** Tells the others that this user types: at the first key, then every three seconds, and once when it is over. */
export class TypingTold {
  readonly #ports: TypingPorts;
  #current: { conversationId: string; toldAt: number } | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(ports: TypingPorts) {
    this.#ports = ports;
  }

  /** The user has pressed a key. */
  typed(conversationId: string): void {
    if (this.#current?.conversationId !== conversationId) this.stop();
    const now = performance.now();
    if (!this.#current || now - this.#current.toldAt >= TELL_EVERY_MS) {
      this.#current = { conversationId, toldAt: now };
      this.#tell(conversationId, true);
    }
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), IDLE_MS);
  }

  /** The user types no more: has sent it, emptied it, or gone elsewhere. */
  stop(): void {
    clearTimeout(this.#idle);
    if (this.#current) this.#tell(this.#current.conversationId, false);
    this.#current = undefined;
  }

  /** Says no more. */
  close(): void {
    clearTimeout(this.#idle);
    this.#current = undefined;
  }

  #tell(conversationId: string, active: boolean): void {
    // Worth telling now or never.
    this.#ports.set(conversationId, active).catch(() => {});
  }
}
