import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '@realchat/db';
import {
  beginAudit,
  type ConversationAudit,
  conversationsAfter,
  placeAmongConversations,
} from './db/audit-conversation.ts';
import type { Discrepancy } from './domain/compare-served.ts';

interface Options {
  /** From one round to the next, in milliseconds. 0: there are none. */
  everyMs: number;
  pool: Pool;
  audited: (conversationId: string, found: readonly Discrepancy[]) => void;
  failed: (error: unknown) => void;
}

/** What one round looks at. It reads beside the traffic, so it is little. */
const PER_ROUND = 20;
const EVENTS_PER_ROUND = 20_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * Compares some conversations in each round with their events, one conversation after the other through all of them, and then
 * from the first one again. A long one takes as many rounds as it needs. Each instance begins somewhere among them: several find
 * things sooner, and ones that are started often do not all look at the same ones.
 */
export function createUnreadAudit({ everyMs, pool, audited, failed }: Options): {
  start(): void;
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let after: string | undefined;
  /** Of the conversation behind `after`, when a round has left off in it. */
  let begun: { id: string; audit: ConversationAudit } | undefined;

  const round = async (): Promise<void> => {
    let [conversations, events] = [0, 0];
    while (!stopping.signal.aborted && conversations < PER_ROUND && events < EVENTS_PER_ROUND) {
      begun ??= await beginNext();
      if (!begun) return;
      const page = await begun.audit.readPage();
      events += page.events;
      if (!page.found) continue;
      audited(begun.id, page.found);
      after = begun.id;
      begun = undefined;
      conversations++;
    }
  };

  /** Undefined once all were compared. */
  const beginNext = async (): Promise<typeof begun> => {
    after ??= (await placeAmongConversations(pool)) ?? BEFORE_ALL;
    const [id] = await conversationsAfter(pool, after, 1);
    const audit = id && (await beginAudit(pool, id));
    if (audit) return { id, audit };
    after = id ?? BEFORE_ALL;
    return undefined;
  };

  const run = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await delay(everyMs * (0.9 + Math.random() / 5), undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await round().catch(failed);
    }
  };

  return {
    start() {
      if (everyMs > 0) running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
