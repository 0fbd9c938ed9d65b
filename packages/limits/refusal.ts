import { Code, RpcError } from '@realchat/rpc';
import type { LimitName } from './table.ts';

/** Over a limit. `retryAfterMs` is the true time to come back. */
export function rateLimited({ limit, retryAfterMs }: { limit: LimitName; retryAfterMs: number }): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 'too many of these calls; come back later', {
    retryAfterMs,
    metadata: { limit },
  });
}
