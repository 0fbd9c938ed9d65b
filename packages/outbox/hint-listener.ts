import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@realchat/db';
import type { Logger } from '@realchat/telemetry';
import { CHANNEL, decodeHint, type Hint } from './hints.ts';

export interface HintListener {
  stop(): Promise<void>;
}

const RETRY_MS = 500;
// Finds a connection that is dead without having told so.
const CHECK_MS = 20_000;

/** Listens for hints on a connection of its own, made anew whenever it breaks. `onListening`: hints may have been missed. */
export function startHintListener(options: {
  url: string;
  log: Logger;
  onHint: (hint: Hint) => void;
  onListening: () => void;
}): HintListener {
  const stopping = new AbortController();
  const { signal } = stopping;

  const listen = async (client: Client): Promise<void> => {
    const ended = new Promise<void>((resolve) => {
      client.on('end', resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('notification', ({ payload }) => {
      const hint = decodeHint(payload);
      if (hint) options.onHint(hint);
    });
    await client.connect();
    await client.query(`listen ${CHANNEL}`);
    options.onListening();
    const check = setInterval(() => {
      client.query('select 1').catch(() => client.end().catch(() => {}));
    }, CHECK_MS);
    await ended.finally(() => clearInterval(check));
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const client = createClient({ url: options.url, name: 'outbox-listener' });
      try {
        await listen(client);
        if (!signal.aborted) options.log.info('the connection for hints was lost; looking for rows goes on without');
      } catch (error) {
        options.log.debug({ err: error }, 'hints cannot be had now');
      }
      await client.end().catch(() => {});
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
