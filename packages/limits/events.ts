import { Counter, Gauge, type Logger, type Registry } from '@realchat/telemetry';
import type { LimitName } from './table.ts';

/** Who decided: all processes together by Redis, or this one by itself. */
export type Source = 'redis' | 'process';

/** What a limiter tells of its work. */
export interface LimiterEvents {
  decided(limit: LimitName, outcome: 'allowed' | 'refused', source: Source): void;
}

/** A flood of refusals must not become one of lines. */
const TELL_EVERY_MS = 1_000;

export function createLimiterEvents(registry: Registry, log: Logger, inForce: () => boolean): LimiterEvents {
  const decisions = new Counter({
    name: 'realchat_rate_limit_decisions_total',
    help: 'Decisions of the rate limiter: by the limit that refused, or the closest of those that allowed; and by whose counts.',
    labelNames: ['limit', 'outcome', 'source'],
    registers: [registry],
  });
  new Gauge({
    name: 'realchat_rate_limit_fallback',
    help: '1 while this process decides by its own counts, because Redis does not answer.',
    registers: [registry],
    collect() {
      this.set(inForce() ? 1 : 0);
    },
  });
  const told = new Map<LimitName, { at: number; untold: number }>();

  const tell = (limit: LimitName, source: Source): void => {
    const last = told.get(limit) ?? { at: Number.NEGATIVE_INFINITY, untold: 0 };
    const now = performance.now();
    if (now - last.at < TELL_EVERY_MS) {
      told.set(limit, { ...last, untold: last.untold + 1 });
      return;
    }
    told.set(limit, { at: now, untold: 0 });
    log.info({ limit, source, more_since_last_line: last.untold }, 'calls over a limit are refused');
  };

  return {
    decided(limit, outcome, source) {
      decisions.inc({ limit, outcome, source });
      if (outcome === 'refused') tell(limit, source);
    },
  };
}
