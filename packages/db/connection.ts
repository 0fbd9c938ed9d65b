import type { Logger } from '@realchat/telemetry';
import pg from 'pg';

// 64-bit integers are positions, seqs and times here: never let one become an inexact number or a string.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));

/** Limits that every connection has, so that a silent partition or a stuck transaction ends by itself. */
const LIMITS = {
  connectionTimeoutMillis: 3_000,
  keepAlive: true,
  query_timeout: 15_000,
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 10_000,
};

/** A pool whose connections may break without taking the process along. */
export function createPool(options: { url: string; size: number; name: string; log: Logger }): pg.Pool {
  const pool = new pg.Pool({
    ...LIMITS,
    connectionString: options.url,
    max: options.size,
    application_name: options.name,
  });
  pool.on('error', (error: Error & { client?: unknown }) => {
    // pg hangs the whole connection on it, with the key that cancels its statements.
    delete error.client;
    options.log.warn({ err: error }, 'an idle database connection was lost');
  });
  // A checked-out client emits its own error besides the one its query rejects with.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** A connection of its own outside any pool, not connected yet. Several statements may be in flight with `pipeline`. */
export function createClient(options: { url: string; name: string; pipeline?: boolean }): pg.Client {
  const client = new pg.Client({
    ...LIMITS,
    connectionString: options.url,
    application_name: options.name,
    pipeline: options.pipeline ?? false,
  });
  client.on('error', () => {});
  return client;
}
