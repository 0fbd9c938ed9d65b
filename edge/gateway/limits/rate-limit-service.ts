import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type RateLimitRequest,
  RateLimitResponse_Code,
  type RateLimitResponseSchema,
  RateLimitService,
} from '@realchat/gen/envoy/service/ratelimit/v3/rls';
import type { CallLimits } from '@realchat/limits';
import { type Implementation, implement } from '@realchat/rpc';

/** Envoy's rate limit service: answers for calls that Envoy takes to the services itself. */
export function rateLimitService(limits: CallLimits): Implementation {
  return implement(RateLimitService, { shouldRateLimit: (_call, request) => shouldRateLimit(limits, request) });
}

async function shouldRateLimit(
  limits: CallLimits,
  request: RateLimitRequest,
): Promise<MessageInitShape<typeof RateLimitResponseSchema>> {
  const facts = new Map(request.descriptors.flatMap(({ entries }) => entries.map(({ key, value }) => [key, value])));
  const source = { address: facts.get('remote_address') ?? '', userId: facts.get('user') };
  const refusal = await limits.admit(facts.get('method') ?? '', source);
  if (refusal === undefined) return { overallCode: RateLimitResponse_Code.OK };
  return {
    overallCode: RateLimitResponse_Code.OVER_LIMIT,
    responseHeadersToAdd: [
      { key: 'grpc-status-details-bin', value: Buffer.from(refusal.toStatusBytes()).toString('base64') },
      { key: 'retry-after', value: String(refusal.retryAfterSeconds) },
    ],
  };
}
