import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '@realchat/db';
import { auditConversation, conversationsAfter } from './db/audit-conversation.ts';
import type { Discrepancy } from './domain/compare-served.ts';

interface Options {
  /** From one round to the next, in milliseconds. 0: there are none. */
  everyMs: number;
  pool: Pool;
  audited: (conversationId: string, found: readonly Discrepancy[] | undefined) => void;
  failed: (error: unknown) => void;
}

/** What one round looks at. It reads beside the traffic, so it is little. */
const PER_ROUND = 20;
const MOST_EVENTS = 5_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * Compares some conversations in each round with their events, one conversation after the other through all of them, and then
 * from the first one again. Several instances do so each for itself, which finds things sooner and harms nothing.
 */
export function createUnreadAudit({ everyMs, pool, audited, failed }: Options): {
  start(): void;
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let after = BEFORE_ALL;

  const round = async (): Promise<void> => {
    const ids = await conversationsAfter(pool, after, PER_ROUND);
    for (const id of ids) {
      if (stopping.signal.aborted) return;
      audited(id, await auditConversation(pool, id, MOST_EVENTS));
      after = id;
    }
    if (ids.length < PER_ROUND) after = BEFORE_ALL;
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
