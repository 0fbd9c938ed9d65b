import { setTimeout as delay } from 'node:timers/promises';
import { PresenceState, type WatchPresenceResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { CallFailure } from '../../e2e/clients/caller.ts';
import type { Journal } from '../history/journal.ts';

/** What a watch speaks with. */
export interface Watcher {
  readonly name: string;
  watchPresence(userIds: string[], signal: AbortSignal): AsyncIterable<WatchPresenceResponse>;
  /** Renews the token that has run out. */
  renew(): Promise<void>;
}

const AGAIN_MS = { least: 50, most: 1_000 };

/** Watches who is online, over any number of breaks, and writes down each word on it. */
export class PresenceWatch {
  readonly #journal: Journal;
  readonly #watcher: Watcher;
  #userIds: string[];
  #stopping = false;
  #stream = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(journal: Journal, watcher: Watcher, userIds: string[]) {
    this.#journal = journal;
    this.#watcher = watcher;
    this.#userIds = userIds;
  }

  start(): void {
    this.#watching = this.#watch();
    this.#watching.catch(() => {});
  }

  /** Watches one more user: asks anew. */
  add(userId: string): void {
    this.#userIds = [...this.#userIds, userId];
    this.#stream.abort();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stream.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    for (let pause = AGAIN_MS.least; !this.#stopping; pause = Math.min(pause * 2, AGAIN_MS.most)) {
      this.#stream = new AbortController();
      const { signal } = this.#stream;
      try {
        for await (const { frame } of this.#watcher.watchPresence(this.#userIds, signal)) {
          pause = AGAIN_MS.least;
          if (frame.case === 'presence') this.#told(frame.value.userId, frame.value.state);
        }
      } catch (error) {
        if (signal.aborted) continue;
        if (!(error instanceof CallFailure)) throw error;
        if (error.code === 'UNAUTHENTICATED') await this.#watcher.renew().catch(() => {});
        await delay((error.retryAfterMs ?? 0) + pause * (0.5 + Math.random() / 2));
      }
    }
  }

  #told(user: string, state: PresenceState): void {
    const online = state === PresenceState.UNSPECIFIED ? 'unknown' : state === PresenceState.ONLINE;
    this.#journal.write({ type: 'presence', viewer: this.#watcher.name, user, online });
  }
}
