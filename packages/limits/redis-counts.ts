import { connectInBackground, openConnection, type Redis } from '@realchat/redis';
import type { Logger } from '@realchat/telemetry';
import { type Charge, intervalMs } from './pace.ts';

/**
 * Looks at every count of a call, and charges all of them or none, in one step. By Redis's own clock, so that the clocks of
 * processes do not matter. In microseconds; answers one wait for each key, all 0 when the call was charged.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local next, waits, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local spent = tonumber(redis.call('GET', key) or 0)
  next[i] = math.max(spent, now) + interval
  waits[i] = math.max(0, math.ceil(next[i] - interval * burst - now))
  refused = refused or waits[i] > 0
end
if not refused then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', math.floor(next[i])), 'PX', math.ceil((next[i] - now) / 1000))
  end
end
return waits`;

/** Takes one charge of each key back, as if it had not happened. */
const GIVE_BACK = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, key in ipairs(KEYS) do
  local spent = tonumber(redis.call('GET', key) or 0) - tonumber(ARGV[i])
  if spent > now then
    redis.call('SET', key, string.format('%.0f', spent), 'PX', math.ceil((spent - now) / 1000))
  else
    redis.call('DEL', key)
  end
end
return 0`;

type Command = (keys: number, ...rest: string[]) => Promise<unknown>;

/** The counts that all processes share. */
export class RedisCounts {
  readonly #connection: Redis;

  constructor(options: { url: string; commandTimeoutMs: number; log: Logger }) {
    this.#connection = openConnection({ ...options, name: 'limits' });
    this.#connection.defineCommand('takeCharges', { lua: TAKE });
    this.#connection.defineCommand('giveChargesBack', { lua: GIVE_BACK });
  }

  /** For each charge how long to wait, in milliseconds; all were charged when none has to. Rejects when Redis does not answer. */
  async take(charges: readonly Charge[]): Promise<number[]> {
    const rates = charges.flatMap(({ limit }) => [microseconds(limit), String(limit.burst)]);
    const waits = (await this.#run('takeCharges', charges, rates)) as number[];
    return waits.map((wait) => wait / 1_000);
  }

  async giveBack(charges: readonly Charge[]): Promise<void> {
    const intervals = charges.map(({ limit }) => microseconds(limit));
    await this.#run('giveChargesBack', charges, intervals);
  }

  get ready(): boolean {
    return this.#connection.status === 'ready';
  }

  start(): void {
    connectInBackground(this.#connection);
  }

  stop(): void {
    this.#connection.disconnect();
  }

  async #run(name: string, charges: readonly Charge[], values: string[]): Promise<unknown> {
    const command = (this.#connection as unknown as Record<string, Command>)[name];
    const keys = charges.map((charge) => `limit:${charge.name}:${charge.subject}`);
    return await command?.call(this.#connection, keys.length, ...keys, ...values);
  }
}

function microseconds(limit: Charge['limit']): string {
  return String(intervalMs(limit) * 1_000);
}
