import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@realchat/db';
import type { Logger } from '@realchat/telemetry';
import { CHANNEL, encodeHint } from './hints.ts';

/** Tells relays that there are new rows. Only ever a hint: a relay that misses it finds the rows by looking. */
export interface Hinter {
  /** After the commit of rows in these shards. Returns at once and never fails. */
  hint(shards: Iterable<number>): void;
  stop(): Promise<void>;
}

const RECONNECT_AFTER_MS = 1_000;
// Under load a relay is awake anyway, and every notification costs the database a commit.
const GAP_MS = 2;

/**
 * Notifies on a connection of its own: NOTIFY inside a writing transaction would serialise all commits of the database.
 * One notification is in flight; what is hinted meanwhile goes with the next.
 */
export function createHinter(options: { url: string; log: Logger }): Hinter {
  const waiting = new Set<number>();
  let client: Client | undefined;
  let notAgainBefore = 0;
  let running: Promise<void> | undefined;

  const connection = async (): Promise<Client> => {
    if (client) return client;
    const fresh = createClient({ url: options.url, name: 'outbox-hints' });
    client = fresh;
    fresh.on('end', () => {
      if (client === fresh) client = undefined;
    });
    await fresh.connect();
    return fresh;
  };

  const run = async (): Promise<void> => {
    while (waiting.size > 0) {
      const hint = encodeHint({ kind: 'rows', shards: [...waiting] });
      waiting.clear();
      try {
        const connected = await connection();
        await connected.query({ name: 'hint', text: 'select pg_notify($1, $2)', values: [CHANNEL, hint] });
        if (waiting.size > 0) await delay(GAP_MS);
      } catch (error) {
        options.log.info({ err: error }, 'a hint was not given; the relay will find the rows by itself');
        notAgainBefore = performance.now() + RECONNECT_AFTER_MS;
        waiting.clear();
        const broken = client;
        client = undefined;
        broken?.end().catch(() => {});
      }
    }
    running = undefined;
  };

  return {
    hint(shards) {
      if (performance.now() < notAgainBefore) return;
      for (const shard of shards) waiting.add(shard);
      if (waiting.size > 0) running ??= run();
    },
    async stop() {
      notAgainBefore = Number.POSITIVE_INFINITY;
      waiting.clear();
      await running;
      await client?.end().catch(() => {});
    },
  };
}
