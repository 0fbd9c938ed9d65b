import type { Logger } from '@realchat/telemetry';
import { connectInBackground, openConnection } from './connection.ts';
import { useOrRenew } from './renew.ts';

/** Hears a channel: at most once, and nothing of what was published while Redis was away. */
export interface Subscriber {
  start(): void;
  stop(): void;
}

/** How often the connection is asked whether it lives, in milliseconds. */
const PING_MS = 1_000;
const COMMAND_TIMEOUT_MS = 500;

/** Hears one channel on a connection of its own, which is found dead within two seconds and comes back by itself. */
export function createSubscriber(options: {
  url: string;
  name: string;
  channel: string;
  log: Logger;
  onMessage: (message: Buffer) => void;
  /** It listens from now on: what it missed before has to be found in another way. */
  onListening?: () => void;
}): Subscriber {
  const { url, name, channel, log } = options;
  const connection = openConnection({ url, name, commandTimeoutMs: COMMAND_TIMEOUT_MS, log });
  let pinging: NodeJS.Timeout | undefined;

  const listen = async (): Promise<void> => {
    await connection.subscribe(channel);
    options.onListening?.();
  };
  connection.on('ready', () => void useOrRenew(connection, listen));
  connection.on('messageBuffer', (_channel: Buffer, message: Buffer) => options.onMessage(message));

  return {
    start() {
      connectInBackground(connection);
      pinging = setInterval(() => void useOrRenew(connection, () => connection.ping()), PING_MS);
      pinging.unref();
    },
    stop() {
      clearInterval(pinging);
      connection.disconnect();
    },
  };
}
