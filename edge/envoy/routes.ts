import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Health } from '@realchat/gen/grpc/health/v1/health';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { isOpen, PUBLIC_SERVICES } from '@realchat/rpc';
import { bodyUnlimited } from './bodies.ts';
import { type ClusterName, GRPC_SERVICES } from './clusters.ts';
import { duration, type EnvoyObject } from './envoy-object.ts';
import { browserHeadersKept, setHeader } from './headers.ts';
import { type EnvoyOptions, type Limits, limitsOf } from './options.ts';
import { corsPolicy } from './origins.ts';
import { countedAs, limitAddressesOf } from './rate-limits.ts';
import { tokenNotNeeded } from './tokens.ts';

/** Which request goes where. Everything is named; what is not named here is nowhere. */
export function routeConfig(options: EnvoyOptions): EnvoyObject {
  return {
    name: 'edge',
    virtual_hosts: [
      {
        name: 'edge',
        domains: ['*'],
        routes: routes(options),
        typed_per_filter_config: corsPolicy(options),
        // One address that nobody outside could write, however many proxies of ours it came through.
        request_headers_to_remove: ['x-envoy-external-address'],
        request_headers_to_add: [setHeader('x-forwarded-for', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%')],
      },
    ],
  };
}

// In order: the first that matches is taken. A route needs a token unless it says otherwise.
function routes(options: EnvoyOptions): EnvoyObject[] {
  const limits = limitsOf(options);
  return [
    ...PUBLIC_SERVICES.flatMap((service) => serviceRoutes(service, options)),
    ...healthRoutes(limits),
    ...(options.mode === 'development' ? reflectionRoutes(limits) : []),
    webSocketRoute(),
    jwksRoute(),
    ...webClientRoutes(),
    nowhere(),
  ];
}

function serviceRoutes(service: DescService, options: EnvoyOptions): EnvoyObject[] {
  const limits = limitsOf(options);
  const cluster = clusterOf(service);
  return service.methods.flatMap((method) => {
    const access = isOpen(method) ? tokenNotNeeded() : {};
    const filters = { ...access, ...limitAddressesOf(method, options) };
    // The gateway counts what comes to it by itself.
    return [grpcRoute(method, cluster, filters, limits, countedAs(method)), connectRoute(method, filters, limits)];
  });
}

/** The health of the mesh as its core sees it, for gRPC load balancers. Watch, a stream for anyone, is not for outside. */
function healthRoutes(limits: Limits): EnvoyObject[] {
  return [grpcRoute(Health.method.check, 'messaging', tokenNotNeeded(), limits)];
}

/** Every service describes the whole public contract, so one of them answers for all. */
function reflectionRoutes(limits: Limits): EnvoyObject[] {
  return ServerReflection.methods.flatMap((method) => [
    grpcRoute(method, 'messaging', tokenNotNeeded(), limits),
    connectRoute(method, tokenNotNeeded(), limits),
  ]);
}

/**
 * gRPC and gRPC-Web, straight to the service. The content type tells them: Envoy's own `grpc` matcher does not see
 * gRPC-Web, since routes are chosen before it is translated.
 */
function grpcRoute(
  method: DescMethod,
  cluster: ClusterName,
  filters: EnvoyObject,
  limits: Limits,
  counted: EnvoyObject = {},
): EnvoyObject {
  return {
    name: 'grpc',
    match: {
      path: pathOf(method),
      headers: [{ name: 'content-type', string_match: { prefix: 'application/grpc' } }],
    },
    route: {
      cluster,
      ...(method.methodKind === 'unary' ? boundedByDeadline(limits) : unboundedStream),
      retry_policy: RETRY_WHAT_WAS_NOT_SENT,
      ...counted,
    },
    typed_per_filter_config: { ...filters, ...bodyOf(method) },
  };
}

/** The Connect protocol, which is what else comes to a method's path, by the gateway. */
function connectRoute(method: DescMethod, filters: EnvoyObject, limits: Limits): EnvoyObject {
  const bound =
    method.methodKind === 'unary'
      ? { max_stream_duration: { max_stream_duration: duration(limits.maxUnaryTimeoutMs) } }
      : { timeout: '0s', idle_timeout: '0s' };
  return {
    name: 'connect',
    match: { path: pathOf(method) },
    route: { cluster: 'gateway_h2c', ...bound, retry_policy: RETRY_WHAT_WAS_NOT_SENT },
    typed_per_filter_config: { ...filters, ...bodyOf(method) },
  };
}

/** No token here: it comes in the first frame. */
function webSocketRoute(): EnvoyObject {
  return {
    name: 'websocket',
    match: { path: '/ws' },
    route: {
      cluster: 'gateway',
      timeout: '0s',
      idle_timeout: '0s', // dead peers are found by the gateway's pings
      upgrade_configs: [{ upgrade_type: 'websocket', enabled: true }],
      retry_policy: RETRY_WHAT_WAS_NOT_SENT,
    },
    typed_per_filter_config: { ...tokenNotNeeded(), ...bodyUnlimited(), ...browserHeadersKept() },
  };
}

function jwksRoute(): EnvoyObject {
  return {
    name: 'jwks',
    match: { path: '/.well-known/jwks.json', headers: [READING] },
    route: { cluster: 'jwks', timeout: '2s', retry_policy: RETRY_WHAT_WAS_NOT_SENT },
    typed_per_filter_config: tokenNotNeeded(),
  };
}

/** The page of the web client and the files beside it. */
function webClientRoutes(): EnvoyObject[] {
  const files = '/(?:[A-Za-z0-9._-]+\\.(?:html|js|css|map|json|txt|svg|png|ico|woff2|webmanifest))?';
  return [{ safe_regex: { regex: files } }, { prefix: '/assets/' }].map((path) => ({
    name: 'web',
    match: { ...path, headers: [READING] },
    route: { cluster: 'gateway', timeout: '15s', retry_policy: RETRY_WHAT_WAS_NOT_SENT },
    typed_per_filter_config: { ...tokenNotNeeded(), ...browserHeadersKept() },
  }));
}

/** Internal services, unknown methods and all else: 404, which is UNIMPLEMENTED in gRPC. */
function nowhere(): EnvoyObject {
  return {
    name: 'nowhere',
    match: { prefix: '/' },
    direct_response: { status: 404 },
    typed_per_filter_config: { ...tokenNotNeeded(), ...bodyUnlimited() },
  };
}

const READING: EnvoyObject = { name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } };

const RETRY_WHAT_WAS_NOT_SENT: EnvoyObject = {
  retry_on: 'connect-failure,refused-stream,reset-before-request',
  num_retries: 2,
  retry_back_off: { base_interval: '0.025s', max_interval: '0.25s' },
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
      },
    },
  ],
  host_selection_retry_max_attempts: 3,
};

/** The client's `grpc-timeout`, capped; without one, our own. `timeout` would be void beside `max_stream_duration`. */
function boundedByDeadline(limits: Limits): EnvoyObject {
  return {
    max_stream_duration: {
      max_stream_duration: duration(limits.unaryTimeoutMs),
      grpc_timeout_header_max: duration(limits.maxUnaryTimeoutMs),
    },
  };
}

/** As long as both sides want; a `grpc-timeout` is honoured. */
const unboundedStream: EnvoyObject = {
  timeout: '0s',
  idle_timeout: '0s',
  max_stream_duration: { grpc_timeout_header_max: '0s' },
};

function bodyOf(method: DescMethod): EnvoyObject {
  const streamed = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  return streamed ? bodyUnlimited() : {};
}

/** The cluster is named by the package: `realchat.<service>.v1`. */
function clusterOf(service: DescService): ClusterName {
  const name = service.typeName.split('.')[1];
  const known = GRPC_SERVICES.find((each) => each === name);
  if (known) return known;
  throw new Error(`${service.typeName} is public and no upstream serves it`);
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
