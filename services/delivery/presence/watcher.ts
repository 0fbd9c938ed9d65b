import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@realchat/telemetry';
import type { Devices } from '../devices.ts';
import { Gate } from '../domain/gate.ts';
import type { LogEntry } from '../domain/log-entry.ts';
import type { PresenceFact } from '../domain/presence.ts';
import type { Watch } from '../domain/watch.ts';
import { WatchIndex } from '../domain/watch-index.ts';
import type { Memberships } from '../memberships.ts';
import type { PresenceEvents } from './events.ts';
import { Lookout } from './lookout.ts';
import type { PresenceStore } from './store.ts';

interface Options {
  redisUrl: string;
  store: Pick<PresenceStore, 'read'>;
  memberships: Pick<Memberships, 'companions'>;
  devices: Pick<Devices, 'withLastSeen'>;
  pollMs: number;
  doubtMs: number;
  events: PresenceEvents;
  log: Logger;
}

const RETRY_MS = 1_000;
/** Questions to messaging at once; the others wait in order. */
const QUESTIONS_AT_ONCE = 8;
/** Of so many direct conversations, the newest, the other sides are watched. */
const MAX_DIRECT_PEERS = 200;

/** Tells each watch of those, and only those, whom it may see at present. */
export class Watcher {
  readonly #options: Options;
  readonly #index = new WatchIndex();
  readonly #lookout: Lookout;
  readonly #gate = new Gate(QUESTIONS_AT_ONCE);
  /** Watches of which it is being asked whom they may see, and those of which it has to be asked once more. */
  readonly #asking = new Set<Watch>();
  readonly #stale = new Set<Watch>();
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    this.#options = options;
    this.#lookout = new Lookout({
      ...options,
      onFact: (fact) => {
        for (const watch of this.#index.seeing(fact.userId)) watch.learn(fact);
      },
      toldOnline: (userId) => [...this.#index.seeing(userId)].some((watch) => watch.believesOnline(userId)),
    });
  }

  get watchedUsers(): number {
    return this.#index.watchedUsers;
  }

  start(): void {
    this.#lookout.start();
  }

  stop(): void {
    this.#stopping.abort();
    this.#lookout.stop();
  }

  /** Begins to tell a watch. Rejects when it cannot be known whom it may see, or who of them is there. */
  async open(watch: Watch): Promise<void> {
    // Before the question, so that no change of memberships falls between.
    this.#index.add(watch);
    this.#asking.add(watch);
    try {
      await this.#askAndShow(watch);
    } finally {
      this.#asking.delete(watch);
    }
    if (this.#stale.delete(watch)) this.#askAgain(watch);
  }

  close(watch: Watch): void {
    for (const userId of this.#index.remove(watch)) this.#lookout.forget(userId);
    this.#stale.delete(watch);
  }

  /** An event of the log was applied. */
  applied(entry: LogEntry): void {
    if (entry.membership === undefined) return;
    for (const watch of this.#index.apply(entry)) this.#askAgain(watch);
  }

  #askAgain(watch: Watch): void {
    if (this.#asking.has(watch)) this.#stale.add(watch);
    else void this.#ask(watch);
  }

  /** Asks whom a watch may see until there is an answer that nothing has changed since. */
  async #ask(watch: Watch): Promise<void> {
    const { signal } = this.#stopping;
    const over = () => watch.over || signal.aborted;
    this.#asking.add(watch);
    do {
      this.#stale.delete(watch);
      await this.#askAndShow(watch).catch(async (error: unknown) => {
        if (over()) return;
        this.#options.events.companionsUnknown(error);
        this.#stale.add(watch);
        await delay(RETRY_MS * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      });
    } while (this.#stale.has(watch) && !over());
    this.#asking.delete(watch);
    this.#stale.delete(watch);
  }

  async #askAndShow(watch: Watch): Promise<void> {
    const { memberships } = this.#options;
    const visible = await this.#gate.run(() => memberships.companions(watch.userId, watch.askedIds, MAX_DIRECT_PEERS));
    // What has changed while it was asked may not be in the answer: it is asked again, and told of nobody new meanwhile.
    if (this.#stale.has(watch) || watch.over) return;
    const { unknown, gone } = watch.show(visible);
    for (const userId of this.#index.unsee(watch, gone)) this.#lookout.forget(userId);
    this.#index.see(watch, unknown);
    this.#lookout.watch(unknown);
    const bare: PresenceFact[] = [];
    for (const fact of await this.#lookout.read(unknown)) {
      if (fact.online || fact.seenAt > 0 || watch.knows(fact.userId)) watch.learn(fact);
      else bare.push(fact);
    }
    for (const fact of await this.#options.devices.withLastSeen(bare)) {
      // What was learned meanwhile is newer.
      if (!watch.knows(fact.userId)) watch.learn(fact);
    }
  }
}
