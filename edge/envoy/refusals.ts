import { Code } from '@realchat/gen/google/rpc/code';
import { RpcError } from '@realchat/rpc';
import { celFilter, type EnvoyObject } from './envoy-object.ts';
import { FOREIGN_ORIGIN } from './origins.ts';
import { tooManyCalls } from './rate-limits.ts';
import { TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_MISSING } from './tokens.ts';

/** One kind of answer that Envoy gives by itself. */
export interface Refusal {
  when: EnvoyObject;
  error: RpcError;
  /** Whoever refused may have written the details and `retry-after` already, and knows better. */
  mayHaveDetails?: true;
  /** The HTTP status where HTTP is all that the caller speaks; Envoy's own when left out. */
  status?: number;
}

/** All of them. The first that matches is meant, so the general ones come last. */
export const REFUSALS: Refusal[] = [
  {
    when: deniedBy(FOREIGN_ORIGIN),
    error: new RpcError(Code.PERMISSION_DENIED, 'ORIGIN_NOT_ALLOWED', 'pages of this origin may not call'),
  },
  {
    when: deniedBy(TOKEN_MISSING),
    error: new RpcError(Code.UNAUTHENTICATED, 'TOKEN_MISSING', 'an access token is needed'),
    status: 401,
  },
  {
    when: deniedBy(TOKEN_EXPIRED),
    error: new RpcError(Code.UNAUTHENTICATED, 'TOKEN_EXPIRED', 'the access token has expired; refresh the session'),
    status: 401,
  },
  {
    when: deniedBy(TOKEN_INVALID),
    error: new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'the access token is not valid'),
    status: 401,
  },
  {
    when: status('EQ', 404),
    error: new RpcError(Code.UNIMPLEMENTED, 'METHOD_UNKNOWN', 'there is nothing at this path'),
  },
  { when: status('EQ', 429), error: tooManyCalls(), mayHaveDetails: true },
  {
    when: status('EQ', 413),
    error: new RpcError(Code.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', 'the request is larger than 4 MiB'),
  },
  ...[408, 504].map((code) => ({
    when: status('EQ', code),
    error: new RpcError(Code.DEADLINE_EXCEEDED, 'DEADLINE_EXCEEDED', 'no answer in time'),
    status: 504,
  })),
  {
    when: status('GE', 500),
    error: new RpcError(Code.UNAVAILABLE, 'SERVICE_UNAVAILABLE', 'the service is not available right now; try again', {
      retryAfterMs: 1_000,
    }),
    status: 503,
  },
  {
    when: status('GE', 400),
    error: new RpcError(Code.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'the request is not well-formed'),
  },
];

function deniedBy(policy: string): EnvoyObject {
  return celFilter(`response.code_details == 'rbac_access_denied_matched_policy[${policy}]'`);
}

function status(op: 'EQ' | 'GE', code: number): EnvoyObject {
  return { status_code_filter: { comparison: { op, value: { default_value: code, runtime_key: 'unused' } } } };
}
