export interface TokenKeeperOptions {
  /** The newest token there is. */
  readonly token: () => string | Promise<string>;
  /** Hands it to the session. */
  readonly refresh: (token: string) => Promise<void>;
}

const LEAST_DELAY_MS = 1000;

/** Asks for a newer token in time, and hands it to the session, so that a session outlives its first token. */
export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  #current: string;
  #expiresAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(current: string, options: TokenKeeperOptions) {
    this.#current = current;
    this.#options = options;
  }

  /** The session has taken a token that lives so many milliseconds. */
  lives(milliseconds: number): void {
    this.#expiresAt = performance.now() + milliseconds;
    this.#schedule((milliseconds * 3) / 4);
  }

  /** The session was given a token by its owner. */
  replaced(token: string): void {
    this.#current = token;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#renew(), Math.max(delayMs, LEAST_DELAY_MS));
  }

  async #renew(): Promise<void> {
    try {
      const token = await this.#options.token();
      if (this.#stopped) return;
      if (token !== '' && token !== this.#current) {
        this.#current = token;
        await this.#options.refresh(token);
        return;
      }
    } catch {
      // Without a newer token the session ends with its present one, and that is reported; until then, try again.
    }
    const left = this.#expiresAt - performance.now();
    if (left > 0) this.#schedule(left / 2);
  }
}
