import { PUBLIC_SERVICES } from '@realchat/rpc';
import { hiddenEndsLog } from './access-log.ts';
import { limitBodies } from './bodies.ts';
import { type EnvoyObject, extension } from './envoy-object.ts';
import { addSecurityHeaders, dropBrowserNoise } from './headers.ts';
import type { EnvoyOptions } from './options.ts';
import { answerCors, enforceOrigins } from './origins.ts';
import { askForLimits, limitAddresses } from './rate-limits.ts';
import { noteRequestFacts } from './request-facts.ts';
import { refuseBadTokens, verifyTokens } from './tokens.ts';

/** What happens to a request, in order; to a response, in reverse. */
export function httpFilters(options: EnvoyOptions): EnvoyObject[] {
  return [
    noteRequestFacts(),
    addSecurityHeaders(options),
    enforceOrigins(options),
    answerHealthz(),
    answerCors(),
    translateGrpcWeb(),
    verifyTokens(options),
    refuseBadTokens(),
    askForLimits(options),
    limitAddresses(options),
    limitBodies(),
    countCalls(),
    dropBrowserNoise(),
    forward(options),
  ];
}

/** `/healthz` answers for Envoy alone; 503 once it drains (admin `/healthcheck/fail`). */
function answerHealthz(): EnvoyObject {
  return extension('envoy.filters.http.health_check', 'envoy.extensions.filters.http.health_check.v3.HealthCheck', {
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/healthz' } }],
  });
}

function translateGrpcWeb(): EnvoyObject {
  return extension('envoy.filters.http.grpc_web', 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb');
}

/** Counts calls by method and status; of the contract's methods only, since names in requests are anyone's. */
function countCalls(): EnvoyObject {
  return extension('envoy.filters.http.grpc_stats', 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig', {
    individual_method_stats_allowlist: {
      services: PUBLIC_SERVICES.map((service) => ({
        name: service.typeName,
        method_names: service.methods.map((method) => method.name),
      })),
    },
    enable_upstream_stats: true,
  });
}

function forward(options: EnvoyOptions): EnvoyObject {
  return extension('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', {
    suppress_envoy_headers: true,
    upstream_log: hiddenEndsLog(options),
  });
}
