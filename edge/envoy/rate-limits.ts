import type { DescMethod } from '@bufbuild/protobuf';
import { LIMITS, type Limit, type LimitTable } from '@realchat/limits/table';
import { Code, RpcError } from '@realchat/rpc';
import { duration, type EnvoyObject, extension, typed } from './envoy-object.ts';
import { type EnvoyOptions, limitsOf, limitTableOf } from './options.ts';
import { CLAIMS, JWT_FILTER } from './tokens.ts';

const LOCAL_FILTER = 'envoy.filters.http.local_ratelimit';
const LOCAL = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

// What Envoy counts by itself is a little more than the table: it decides where nobody else does, and never first.
const MARGIN = 1.25;
const MOST_ADDRESSES = 20_000;

/** Asks the rate limit service about calls that Envoy takes to the services itself. When it does not answer, the call goes on. */
export function askForLimits(options: EnvoyOptions): EnvoyObject {
  const timeout = duration(limitsOf(options).rateLimitTimeoutMs);
  return extension('envoy.filters.http.ratelimit', 'envoy.extensions.filters.http.ratelimit.v3.RateLimit', {
    domain: 'realchat',
    timeout,
    failure_mode_deny: false,
    rate_limited_as_resource_exhausted: true,
    disable_x_envoy_ratelimited_header: true,
    rate_limit_service: {
      transport_api_version: 'V3',
      grpc_service: { envoy_grpc: { cluster_name: 'rate_limit' }, timeout },
    },
  });
}

/** What the service is told of a call of a route. The user is that of the verified token. */
export function countedAs(method: DescMethod): EnvoyObject {
  return {
    rate_limits: [
      {
        actions: [
          { generic_key: { descriptor_key: 'method', descriptor_value: `/${method.parent.typeName}/${method.name}` } },
          { remote_address: {} },
          {
            metadata: {
              descriptor_key: 'user',
              source: 'DYNAMIC',
              skip_if_absent: true,
              metadata_key: { key: JWT_FILTER, path: [{ key: CLAIMS }, { key: 'sub' }] },
            },
          },
        ],
      },
    ],
  };
}

/** Buckets of Envoy's own, one for each address: what holds when the gateway, or all that it knows, is away. */
export function limitAddresses(options: EnvoyOptions): EnvoyObject {
  return { name: LOCAL_FILTER, typed_config: localLimit('address', limitTableOf(options).address) };
}

/** The stricter bucket of a method that is limited by address. */
export function limitAddressesOf(method: DescMethod, options: EnvoyOptions): EnvoyObject {
  const table: LimitTable = limitTableOf(options);
  const own = Object.entries(LIMITS as LimitTable).find(
    ([, { by, methods }]) => by === 'address' && methods?.includes(method),
  );
  if (own === undefined) return {};
  const name = own[0] as keyof LimitTable;
  return { [LOCAL_FILTER]: localLimit(name, table[name]) };
}

function localLimit(name: keyof LimitTable, limit: Limit): EnvoyObject {
  const { bucket, fillMs } = bucketOf(limit);
  const refusal = tooManyCalls(fillMs);
  const always = { default_value: { numerator: 100, denominator: 'HUNDRED' } };
  const oneEach: EnvoyObject = { masked_remote_address: { v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 } };
  return typed(LOCAL, {
    stat_prefix: `limit_${name}`,
    // For those without an address, of whom there are none; descriptors need it.
    token_bucket: bucket,
    always_consume_default_token_bucket: false,
    filter_enabled: { runtime_key: 'unused', ...always },
    filter_enforced: { runtime_key: 'unused', ...always },
    rate_limits: [{ actions: [oneEach] }],
    descriptors: [{ entries: [{ key: 'masked_remote_address' }], token_bucket: bucket }],
    max_dynamic_descriptors: MOST_ADDRESSES,
    rate_limited_as_resource_exhausted: true,
    response_headers_to_add: [
      ['grpc-status-details-bin', Buffer.from(refusal.toStatusBytes()).toString('base64')],
      ['retry-after', String(refusal.retryAfterSeconds)],
    ].map(([key, value]) => ({ header: { key, value } })),
  });
}

/** Tokens come evenly, or once a second where there are many. */
function bucketOf({ count, seconds, burst }: Limit): { bucket: EnvoyObject; fillMs: number } {
  const fillMs = Math.max(1_000, Math.ceil((seconds * 1_000) / count));
  const tokens = Math.max(1, Math.ceil((count * fillMs) / (seconds * 1_000)));
  const bucket = {
    max_tokens: Math.ceil(burst * MARGIN) + tokens,
    tokens_per_fill: tokens,
    fill_interval: duration(fillMs),
  };
  return { bucket, fillMs };
}

/** The one refusal of calls over a limit, where nobody has said when to come back. */
export function tooManyCalls(retryAfterMs = 1_000): RpcError {
  return new RpcError(Code.RESOURCE_EXHAUSTED, 'RATE_LIMITED', 'too many of these calls; come back later', {
    retryAfterMs,
  });
}
