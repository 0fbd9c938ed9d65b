import { createSubscriber, type Subscriber } from '@realchat/redis';
import type { Logger } from '@realchat/telemetry';
import { Doubts } from '../domain/doubts.ts';
import { DueList } from '../domain/due-list.ts';
import type { PresenceFact } from '../domain/presence.ts';
import type { PresenceEvents } from './events.ts';
import { CHANNEL } from './scripts.ts';
import type { PresenceStore } from './store.ts';

interface Options {
  redisUrl: string;
  store: Pick<PresenceStore, 'read'>;
  /** How often each user is looked at though nothing was heard, in milliseconds. */
  pollMs: number;
  /** A user who vanished without a word is looked at again after so long, before anyone is told. */
  doubtMs: number;
  events: Pick<PresenceEvents, 'stored'>;
  log: Logger;
  onFact: (fact: PresenceFact) => void;
  /** Whether anyone was told that a user is online, and not yet that they are not. */
  toldOnline: (userId: string) => boolean;
}

const USERS_AT_ONCE = 500;
const TURN_MS = 250;
const RETRY_MS = 1_000;

/** Finds out what changes of some users' presence: by word of Redis, and by looking in turn, for a word that was lost. */
export class Lookout {
  readonly #options: Options;
  readonly #due = new DueList();
  readonly #doubts = new Doubts();
  readonly #subscriber: Subscriber;
  #turning: NodeJS.Timeout | undefined;
  #kicked: NodeJS.Immediate | undefined;
  #looking = false;

  constructor(options: Options) {
    this.#options = options;
    this.#subscriber = createSubscriber({
      url: options.redisUrl,
      name: 'presence-subscriber',
      channel: CHANNEL,
      log: options.log,
      onMessage: (message) => this.#heard(message.toString()),
      onListening: () => this.#due.allNotLater(performance.now()),
    });
  }

  start(): void {
    this.#subscriber.start();
    this.#turning = setInterval(() => void this.#look(), TURN_MS);
  }

  stop(): void {
    this.#subscriber.stop();
    clearInterval(this.#turning);
    clearImmediate(this.#kicked);
  }

  /** Looks at these users from now on; what is so already is to be read by the caller. */
  watch(userIds: Iterable<string>): void {
    const now = performance.now();
    for (const userId of userIds) this.#due.notLater(userId, now + this.#pollMs());
  }

  forget(userId: string): void {
    this.#due.delete(userId);
    this.#doubts.forget(userId);
  }

  /** Reads any number of users' presence, in the order in which all reads of this node were asked for. */
  async read(userIds: readonly string[]): Promise<PresenceFact[]> {
    const facts: PresenceFact[] = [];
    try {
      for (let from = 0; from < userIds.length; from += USERS_AT_ONCE) {
        facts.push(...(await this.#options.store.read(userIds.slice(from, from + USERS_AT_ONCE))));
      }
    } catch (error) {
      this.#options.events.stored('read', 'failed');
      throw error;
    }
    this.#options.events.stored('read', 'done');
    return facts;
  }

  #heard(userId: string): void {
    if (!this.#due.has(userId)) return;
    this.#due.notLater(userId, performance.now());
    this.#kicked ??= setImmediate(() => {
      this.#kicked = undefined;
      void this.#look();
    });
  }

  /** Looks at those that are due, one lot after another. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (;;) {
        const now = performance.now();
        const userIds = this.#due.take(now, USERS_AT_ONCE, now + RETRY_MS);
        if (userIds.length === 0) return;
        for (const fact of await this.read(userIds)) this.#consider(fact);
      }
    } catch {
      // Counted where it is read; they are due again.
    } finally {
      this.#looking = false;
    }
  }

  #consider(fact: PresenceFact): void {
    const { userId, patienceLeftMs } = fact;
    const believed = this.#doubts.believes(fact, this.#options.toldOnline(userId));
    const waitMs = believed ? this.#pollMs() : this.#options.doubtMs;
    this.#due.plan(userId, performance.now() + (patienceLeftMs > 0 ? patienceLeftMs + 1 : waitMs));
    if (believed) this.#options.onFact(fact);
  }

  #pollMs(): number {
    return this.#options.pollMs * (0.8 + Math.random() / 5);
  }
}
