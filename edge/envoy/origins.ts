import { type EnvoyObject, extension, typed } from './envoy-object.ts';
import type { EnvoyOptions } from './options.ts';

const CORS_FILTER = 'envoy.filters.http.cors';

/** The policy under which a foreign origin is refused, as it shows in Envoy's response code details. */
export const FOREIGN_ORIGIN = 'foreign_origin';

const RPC_HEADERS = 'authorization, content-type, x-grpc-web, x-user-agent, grpc-timeout';
const CONNECT_HEADERS = 'connect-protocol-version, connect-timeout-ms';
const TRACE_HEADERS = 'traceparent, tracestate, baggage';

// Without the first three, a browser cannot read an error that came as trailers-only.
const READABLE_HEADERS = 'grpc-status, grpc-message, grpc-status-details-bin, x-request-id, retry-after';

/**
 * Refuses requests of foreign pages, WebSockets included. CORS alone hides the answer from the page but lets the request
 * through to the service. Who sends no Origin is no browser page, or one that only navigates.
 */
export function enforceOrigins({ allowedOrigins }: EnvoyOptions): EnvoyObject {
  const origin = (match: EnvoyObject): EnvoyObject => ({ header: { name: 'origin', ...match } });
  return extension('realchat.origin', 'envoy.extensions.filters.http.rbac.v3.RBAC', {
    rules: {
      action: 'DENY',
      policies: {
        [FOREIGN_ORIGIN]: {
          principals: [{ any: true }],
          permissions: [
            {
              and_rules: {
                rules: [
                  origin({ present_match: true }),
                  ...allowedOrigins.map((exact) => ({ not_rule: origin({ string_match: { exact } }) })),
                ],
              },
            },
          ],
        },
      },
    },
  });
}

/** Answers preflights and lets pages of the allowed origins read the answers. */
export function answerCors(): EnvoyObject {
  return extension(CORS_FILTER, 'envoy.extensions.filters.http.cors.v3.Cors');
}

/** Who may read answers; belongs on the virtual host. */
export function corsPolicy({ allowedOrigins }: EnvoyOptions): EnvoyObject {
  return {
    [CORS_FILTER]: typed('envoy.extensions.filters.http.cors.v3.CorsPolicy', {
      allow_origin_string_match: allowedOrigins.map((exact) => ({ exact })),
      allow_methods: 'GET, POST',
      allow_headers: [RPC_HEADERS, CONNECT_HEADERS, TRACE_HEADERS].join(', '),
      expose_headers: READABLE_HEADERS,
      max_age: '7200',
      allow_credentials: false, // nothing here works by cookie
      forward_not_matching_preflights: false,
    }),
  };
}
