import type { Logger } from '@realchat/telemetry';
import { z } from 'zod';
import { LIMITS, type LimitName, type LimitTable, limitNames } from './table.ts';

const rate = z.strictObject({
  count: z.number().positive(),
  seconds: z.number().positive(),
  burst: z.number().int().min(1),
});
const factor = z.number().positive();
const overrides = z.partialRecord(z.enum([...limitNames, '*']), z.union([factor, rate]));

type Overrides = z.infer<typeof overrides>;

const table = z.string().transform((text, context): LimitTable => {
  const parsed = overrides.safeParse(jsonOf(text));
  if (parsed.success) return withOverrides(parsed.data);
  const message = `expected JSON such as {"*": 10, "send_message": {"count": 50, "seconds": 1, "burst": 200}}, with names of the table: ${z.prettifyError(parsed.error)}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** Settings of a process that limits, or that tells Envoy what to limit. */
export const rateLimitSettings = {
  RATE_LIMITS: table
    .default(LIMITS)
    .meta({ shownDefault: 'the table of docs/limits.md' })
    .describe(
      'Other limits than those of the table, as JSON by name: a factor for count and burst, or all three of count, seconds and burst. `*` is a factor for those that are not named.',
    ),
};

function withOverrides(given: Overrides): LimitTable {
  const others = given['*'] ?? 1;
  return Object.fromEntries(
    limitNames.map((name) => {
      const row = LIMITS[name];
      const change = given[name] ?? others;
      const changed =
        typeof change === 'number'
          ? { count: row.count * change, burst: Math.max(1, Math.round(row.burst * change)) }
          : change;
      return [name, { ...row, ...changed }];
    }),
  ) as Record<LimitName, LimitTable[LimitName]>;
}

/** Says which limits are others than those of the table, and what they are. */
export function tellOtherLimits(table: LimitTable, log: Logger): void {
  const others = limitNames.flatMap((name) => {
    const { count, seconds, burst } = table[name];
    const known = LIMITS[name];
    const same = count === known.count && seconds === known.seconds && burst === known.burst;
    return same ? [] : [[name, `${burst} at once, then ${count} in ${seconds} s`]];
  });
  if (others.length > 0) log.warn({ limits: Object.fromEntries(others) }, 'limits are others than those of the table');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
