import type { RpcError } from '@realchat/rpc';
import { addressKey } from './address-key.ts';
import type { RateLimiter } from './limiter.ts';
import type { Charge } from './pace.ts';
import { rateLimited } from './refusal.ts';
import type { Limit, LimitName, LimitTable } from './table.ts';

/** Where a call comes from. */
export interface CallSource {
  /** As the edge saw it. */
  readonly address: string;
  /** Of the verified token; undefined for a call without one. */
  readonly userId: string | undefined;
}

/** The table's limits on calls, by method. */
export interface CallLimits {
  /** Counts a call of a method, `/package.Service/Method`. Answers the refusal when it is one too many. */
  admit(method: string, source: CallSource): Promise<RpcError | undefined>;
}

type Row = readonly [LimitName, Limit];

export function createCallLimits(limiter: RateLimiter, table: LimitTable): CallLimits {
  const rows = (Object.entries(table) as Row[]).filter(([, { by }]) => by === 'address' || by === 'user');
  const general = rows.filter(([, { methods }]) => methods === undefined);
  const own = new Map<string, Row[]>();
  for (const row of rows) {
    for (const { parent, name } of row[1].methods ?? []) {
      const path = `/${parent.typeName}/${name}`;
      own.set(path, [...(own.get(path) ?? []), row]);
    }
  }
  const chargesOf = (method: string, { address, userId }: CallSource): Charge[] =>
    [...(own.get(method) ?? []), ...general].flatMap(([name, limit]) => {
      const subject = limit.by === 'address' ? addressKey(address) : userId;
      return subject === undefined ? [] : [{ name, limit, subject }];
    });
  return {
    async admit(method, source) {
      const [first, ...others] = chargesOf(method, source);
      if (first === undefined) return undefined;
      const decision = await limiter.take([first, ...others]);
      return decision.allowed ? undefined : rateLimited(decision);
    },
  };
}
