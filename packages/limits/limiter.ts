import type { Logger, Registry } from '@realchat/telemetry';
import { Circuit } from './circuit.ts';
import { createLimiterEvents, type Source } from './events.ts';
import type { Charge } from './pace.ts';
import { ProcessCounts } from './process-counts.ts';
import { RedisCounts } from './redis-counts.ts';
import type { LimitName } from './table.ts';

/** What became of a call's charges. */
export interface Decision {
  readonly allowed: boolean;
  /** The limit that refused and lasts longest; of those that allowed, the first. */
  readonly limit: LimitName;
  /** When to come back, in milliseconds; 0 when allowed. */
  readonly retryAfterMs: number;
  readonly source: Source;
}

/** Counts calls. It never rejects, and nobody waits for it longer than for one command of Redis. */
export interface RateLimiter {
  /** Charges all, or none when one is over its limit. */
  take(charges: readonly [Charge, ...Charge[]]): Promise<Decision>;
  /** Takes charges back that have turned out not to count. */
  giveBack(charges: readonly Charge[]): Promise<void>;
  start(): void;
  stop(): void;
}

/** Less than the 50 ms for which Envoy waits, so that it hears this process's decision when Redis is slow. */
const COMMAND_TIMEOUT_MS = 30;

export function createRateLimiter(options: {
  redisUrl: string;
  log: Logger;
  metrics: Registry;
  /** For how long a call waits for Redis at most. */
  commandTimeoutMs?: number | undefined;
}): RateLimiter {
  const commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  const redis = new RedisCounts({ url: options.redisUrl, commandTimeoutMs, log: options.log });
  const counts = new ProcessCounts();
  const circuit = new Circuit();
  const events = createLimiterEvents(options.metrics, options.log, () => circuit.open || !redis.ready);

  const ask = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    if (!redis.ready || !circuit.mayAsk(performance.now())) return undefined;
    try {
      const answer = await question();
      circuit.succeeded();
      return answer;
    } catch {
      circuit.failed(performance.now());
      return undefined;
    }
  };

  return {
    async take(charges) {
      const waits = await ask(() => redis.take(charges));
      const now = performance.now();
      const decision = decide(charges, waits ?? counts.take(charges, now), waits === undefined ? 'process' : 'redis');
      if (decision.source === 'redis' && decision.allowed) counts.note(charges, now);
      events.decided(decision.limit, decision.allowed ? 'allowed' : 'refused', decision.source);
      return decision;
    },
    async giveBack(charges) {
      counts.giveBack(charges, performance.now());
      await ask(() => redis.giveBack(charges));
    },
    start: () => redis.start(),
    stop: () => redis.stop(),
  };
}

function decide(charges: readonly [Charge, ...Charge[]], waits: readonly number[], source: Source): Decision {
  const longest = Math.max(...waits);
  const deciding = charges[longest > 0 ? waits.indexOf(longest) : 0] ?? charges[0];
  return { allowed: longest === 0, limit: deciding.name, retryAfterMs: Math.ceil(longest), source };
}
