import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { failureOf } from '../net/failure.ts';
import { retrying } from '../net/retrying.ts';
import type { SavedSession } from './saved-session.ts';

/** What Register, Login and RefreshSession answer with. */
export interface Tokens {
  readonly userId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accessTokenExpireTime?: Timestamp | undefined;
}

/** What a session needs from outside. */
export interface SessionPorts {
  /** Trades a refresh token for a new pair. */
  refresh(refreshToken: string): Promise<Tokens>;
  /** Keeps the session over reloads. */
  save(session: SavedSession): void;
  /** The access token is another one from now on. */
  renewed(accessToken: string): void;
  /** The server has ended the session; `sentence` says why. Called once. */
  ended(sentence: string): void;
  /** This machine's clock, in milliseconds. */
  now(): number;
}

// Before its end, so that no call is refused because its token ended on the way.
const EARLY_MS = 60_000;
// Many clients that logged in at the same moment must not come back at the same moment.
const JITTER_MS = 20_000;
const NO_TOKEN_LIVES_LONGER_MS = 5 * 60_000;
// However wrong this machine's clock is, tokens are not refreshed more often than this, nor never.
const SOONEST_MS = 30_000;
// A spent refresh token gives its successor again for 10 seconds: tries must be quick, so that a lost answer costs nothing.
const TRIES = 4;
const NEXT_ROUND_MS = 10_000;

/** When to refresh tokens that came now. */
export function refreshTime(tokens: Tokens, now: number): number {
  const end = tokens.accessTokenExpireTime ? timestampMs(tokens.accessTokenExpireTime) : now;
  const due = Math.min(Math.max(end - now - EARLY_MS, SOONEST_MS), NO_TOKEN_LIVES_LONGER_MS - EARLY_MS);
  return now + due - Math.random() * Math.min(JITTER_MS, due / 4);
}

/** The login of this window: hands out access tokens and renews them in time. */
export class Session {
  readonly #ports: SessionPorts;
  #saved: SavedSession;
  #renewal: Promise<string> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(saved: SavedSession, ports: SessionPorts) {
    this.#saved = saved;
    this.#ports = ports;
    this.#renewLater(saved.refreshAt - ports.now());
  }

  get userId(): string {
    return this.#saved.userId;
  }

  get username(): string {
    return this.#saved.username;
  }

  get refreshToken(): string {
    return this.#saved.refreshToken;
  }

  /** An access token for a call. Waits for a new one only when the present one is at its end, as after a sleep. */
  async token(): Promise<string> {
    const atItsEnd = this.#ports.now() >= this.#saved.refreshAt + EARLY_MS;
    return atItsEnd ? this.renew(this.#saved.accessToken) : this.#saved.accessToken;
  }

  /** A token other than `refused`, which a server did not accept. Fails when none can be had now. */
  async renew(refused: string): Promise<string> {
    if (this.#saved.accessToken !== refused) return this.#saved.accessToken;
    this.#renewal ??= this.#refresh().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Time may have passed unnoticed, timers standing still: renews what is due by the clock. */
  woken(): void {
    if (this.#ports.now() >= this.#saved.refreshAt) this.#renewLater(0);
  }

  /** Renews no more. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  async #refresh(): Promise<string> {
    try {
      const tokens = await retrying(() => this.#ports.refresh(this.#saved.refreshToken), {
        tries: TRIES,
        worthRetrying: (failure) => failure.passing && failure.code !== Code.Unauthenticated,
      });
      if (!this.#over) this.#take(tokens);
      return tokens.accessToken;
    } catch (thrown) {
      const { code, sentence } = failureOf(thrown);
      if (code === Code.Unauthenticated) this.#end(sentence);
      else this.#renewLater(NEXT_ROUND_MS);
      throw thrown;
    }
  }

  #take(tokens: Tokens): void {
    const { accessToken, refreshToken } = tokens;
    const now = this.#ports.now();
    this.#saved = { ...this.#saved, accessToken, refreshToken, refreshAt: refreshTime(tokens, now) };
    this.#ports.save(this.#saved);
    this.#ports.renewed(accessToken);
    this.#renewLater(this.#saved.refreshAt - now);
  }

  #end(sentence: string): void {
    if (this.#over) return;
    this.close();
    this.#ports.ended(sentence);
  }

  #renewLater(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    // What fails here is tried again, and calls that need a token meanwhile report it.
    const renew = () => void this.renew(this.#saved.accessToken).catch(() => {});
    this.#timer = setTimeout(renew, Math.min(Math.max(0, delayMs), NO_TOKEN_LIVES_LONGER_MS));
  }
}
