import { type EnvoyObject, extension, turnedOff } from './envoy-object.ts';
import type { EnvoyOptions } from './options.ts';

/** The filter that verifies, and the namespace of what it notes. */
export const JWT_FILTER = 'envoy.filters.http.jwt_authn';
const GATE_FILTER = 'realchat.token';

/** Where the verified claims are kept while Envoy handles a request. */
export const CLAIMS = 'claims';
const FAILURE = 'failure';

const KEYS_MAX_AGE_SECONDS = 300;

/** The policies under which a token is refused, as they show in Envoy's response code details. */
export const TOKEN_MISSING = 'token_missing';
export const TOKEN_INVALID = 'token_invalid';
export const TOKEN_EXPIRED = 'token_expired';

/** Verifies access tokens, and notes the claims or why there are none. The gate behind it decides. */
export function verifyTokens({ tokens }: EnvoyOptions): EnvoyObject {
  return extension(JWT_FILTER, 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', {
    providers: {
      auth: {
        issuer: tokens.issuer,
        audiences: [tokens.audience],
        require_expiration: true,
        clock_skew_seconds: 30,
        from_headers: ['Bearer ', 'bearer '].map((scheme) => ({ name: 'Authorization', value_prefix: scheme })),
        forward: true, // services verify again
        payload_in_metadata: CLAIMS,
        failed_status_in_metadata: FAILURE,
        jwt_cache_config: { jwt_cache_size: 1000 },
        remote_jwks: {
          http_uri: { uri: 'http://jwks/.well-known/jwks.json', cluster: 'jwks', timeout: '2s' },
          cache_duration: `${tokens.keysMaxAgeSeconds ?? KEYS_MAX_AGE_SECONDS}s`,
          // Fetched ahead, so that no request waits for it, and Envoy starts without auth.
          async_fetch: { fast_listener: true, failed_refetch_duration: '1s' },
        },
      },
    },
    rules: [
      {
        match: { prefix: '/' },
        requires: { requires_any: { requirements: [{ provider_name: 'auth' }, { allow_missing_or_failed: {} }] } },
      },
    ],
  });
}

/**
 * Refuses calls without a good token. One case passes unverified: when Envoy has no keys, because it started while auth was
 * away. Services keep the keys on disk and verify every token themselves, as they do behind every Envoy.
 */
export function refuseBadTokens(): EnvoyObject {
  const verified = metadata([CLAIMS, 'sub'], { present_match: true });
  const expired = metadata([FAILURE, 'message'], { string_match: { exact: 'Jwt is expired' } });
  const keysAway = metadata([FAILURE, 'message'], { string_match: { exact: 'Jwks remote fetch is failed' } });
  const sent = { header: { name: 'authorization', string_match: { prefix: 'Bearer ', ignore_case: true } } };
  return extension(GATE_FILTER, 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      action: 'DENY',
      policies: {
        [TOKEN_MISSING]: deniedWhen(not(sent)),
        [TOKEN_EXPIRED]: deniedWhen(sent, expired),
        [TOKEN_INVALID]: deniedWhen(sent, not(verified), not(expired), not(keysAway)),
      },
    },
  });
}

/** Opens a route to callers without a token. */
export function tokenNotNeeded(): EnvoyObject {
  return { ...turnedOff(JWT_FILTER), ...turnedOff(GATE_FILTER) };
}

function metadata(path: string[], value: EnvoyObject): EnvoyObject {
  return {
    sourced_metadata: {
      metadata_matcher: { filter: JWT_FILTER, path: path.map((key) => ({ key })), value },
      metadata_source: 'DYNAMIC',
    },
  };
}

function not(rule: EnvoyObject): EnvoyObject {
  return { not_rule: rule };
}

function deniedWhen(...rules: EnvoyObject[]): EnvoyObject {
  return { principals: [{ any: true }], permissions: [{ and_rules: { rules } }] };
}
