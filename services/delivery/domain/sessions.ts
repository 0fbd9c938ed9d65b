import { setTimeout as delay } from 'node:timers/promises';
import { exhausted } from '@realchat/rpc';
import { draining, type Ending, sessionRevoked } from './endings.ts';

/** How many streams there may be at once. */
export interface StreamCaps {
  perUser: number;
  perNode: number;
}

/** An open stream of a user. */
export interface HeldStream {
  readonly userId: string;
  /** The login that the token is of; several streams may be of one. */
  readonly loginId: string;
  /** What is due by time. `now` by performance.now(), `clock` by Date.now(). */
  tick(now: number, clock: number): void;
  /** Ends it, once. */
  end(ending: Ending): void;
}

const RETRY_AFTER_MS = 5_000;

/** All streams of one kind on this node, from admission to release. */
export class Sessions<S extends HeldStream> {
  readonly #caps: StreamCaps;
  /** By turn: a turn's sessions are looked at together, and the turns one after another. */
  readonly #turns: Set<S>[];
  readonly #perUser = new Map<string, number>();
  readonly #ofLogin = new Map<string, Set<S>>();
  #size = 0;
  #admitted = 0;
  #turn = 0;
  #closing = false;

  constructor(caps: StreamCaps, turns: number) {
    this.#caps = caps;
    this.#turns = Array.from({ length: turns }, () => new Set());
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Throws RESOURCE_EXHAUSTED (TOO_MANY_STREAMS) when the user or the node has as many streams as it may, and UNAVAILABLE
   * when the node stops.
   */
  admit(session: S): void {
    if (this.#closing) throw draining().error;
    const ofUser = this.#perUser.get(session.userId) ?? 0;
    if (ofUser >= this.#caps.perUser) {
      throw exhausted('TOO_MANY_STREAMS', `at most ${this.#caps.perUser} streams at once for a user`, RETRY_AFTER_MS);
    }
    if (this.#size >= this.#caps.perNode) {
      throw exhausted('TOO_MANY_STREAMS', 'this instance has as many streams as it takes', RETRY_AFTER_MS);
    }
    this.#perUser.set(session.userId, ofUser + 1);
    this.#turns[this.#admitted++ % this.#turns.length]?.add(session);
    const ofLogin = this.#ofLogin.get(session.loginId) ?? new Set<S>();
    this.#ofLogin.set(session.loginId, ofLogin.add(session));
    this.#size++;
  }

  release(session: S): void {
    if (!this.#turns.some((turn) => turn.delete(session))) return;
    this.#size--;
    const ofUser = (this.#perUser.get(session.userId) ?? 0) - 1;
    if (ofUser > 0) this.#perUser.set(session.userId, ofUser);
    else this.#perUser.delete(session.userId);
    const ofLogin = this.#ofLogin.get(session.loginId);
    ofLogin?.delete(session);
    if (ofLogin?.size === 0) this.#ofLogin.delete(session.loginId);
  }

  /** Ends the streams of a login that has ended. */
  endLogin(loginId: string): void {
    for (const session of this.#ofLogin.get(loginId) ?? []) session.end(sessionRevoked());
  }

  /** Lets the next turn of sessions do what is due by time. */
  tick(now: number, clock: number): void {
    this.#turn = (this.#turn + 1) % this.#turns.length;
    for (const session of this.#turns[this.#turn] ?? []) session.tick(now, clock);
  }

  /** Ends every session, each in its own way. */
  endAll(ending: () => Ending): void {
    for (const turn of this.#turns) this.#endTurn(turn, ending);
  }

  /** Admits no more, and ends all sessions spread over some time, in milliseconds. */
  async drain(ms: number): Promise<void> {
    this.#closing = true;
    for (const turn of this.#turns) {
      this.#endTurn(turn, draining);
      if (this.#size > 0) await delay(ms / this.#turns.length);
    }
  }

  #endTurn(turn: Set<S>, ending: () => Ending): void {
    for (const session of turn) session.end(ending());
  }
}
