import { isIP } from 'node:net';
import { type EnvoyObject, typed } from './envoy-object.ts';
import { meshTls } from './mesh-tls.ts';
import type { EnvoyOptions, HostPort } from './options.ts';

/** The names under which routes and metrics know the upstreams. */
export type ClusterName =
  | 'auth'
  | 'profile'
  | 'messaging'
  | 'delivery'
  | 'operations'
  | 'gateway'
  | 'gateway_h2c'
  | 'rate_limit'
  | 'jwks';

/** The services that clients reach directly. */
export const GRPC_SERVICES = ['auth', 'profile', 'messaging', 'delivery', 'operations'] as const;

// Concurrent requests, and a stream is one as long as it lives: the default of 1,024 would refuse the 1,025th subscriber.
const MAX_STREAMS = 50_000;

// That an instance says itself that it does not serve counts at once; that it says nothing, the second time.
const HEALTH_INTERVAL: EnvoyObject = {
  timeout: '1s',
  interval: '1s',
  interval_jitter_percent: 20,
  no_traffic_interval: '1s', // default 60 s
  unhealthy_threshold: 2,
  healthy_threshold: 1,
};

/** Everything behind the edge. */
export function clusters({ upstreams, mesh }: EnvoyOptions): EnvoyObject[] {
  return [
    ...GRPC_SERVICES.map((name) => ({ ...grpcService(name, upstreams[name]), ...meshTls(mesh, name, 'h2') })),
    { ...gateway(upstreams.gateway), ...meshTls(mesh, 'gateway', 'http/1.1') },
    { ...gatewayH2c(upstreams.gatewayH2c), ...meshTls(mesh, 'gateway', 'h2') },
    { ...rateLimit(upstreams.rateLimit), ...meshTls(mesh, 'gateway', 'h2') },
    { ...cluster('jwks', upstreams.jwks), ...meshTls(mesh, 'auth', 'http/1.1') },
  ];
}

function grpcService(name: ClusterName, addresses: readonly HostPort[]): EnvoyObject {
  return {
    ...cluster(name, addresses),
    ...http2,
    ...manyStreams(1024),
    health_checks: [{ ...HEALTH_INTERVAL, grpc_health_check: { service_name: '' } }],
  };
}

/** HTTP/1.1: a WebSocket is a connection of its own. */
function gateway(addresses: readonly HostPort[]): EnvoyObject {
  return {
    ...cluster('gateway', addresses),
    // Shorter than Node's keep-alive of 5 s, or a request meets a connection that is being closed.
    ...httpProtocol({ common_http_protocol_options: { idle_timeout: '4s' } }, { http_protocol_options: {} }),
    ...manyStreams(MAX_STREAMS),
    health_checks: [{ ...HEALTH_INTERVAL, http_health_check: { path: '/healthz' } }],
  };
}

function gatewayH2c(addresses: readonly HostPort[]): EnvoyObject {
  return {
    ...cluster('gateway_h2c', addresses),
    ...http2,
    ...manyStreams(1024),
    health_checks: [{ ...HEALTH_INTERVAL, http_health_check: { path: '/healthz', codec_client_type: 'HTTP2' } }],
  };
}

/**
 * Calls go on without it. One that is slow or away is left alone for a while, so that not each call waits for it: this needs
 * the outliers of the default kind, that of the others has never ejected it.
 */
function rateLimit(addresses: readonly HostPort[]): EnvoyObject {
  return {
    ...cluster('rate_limit', addresses),
    ...http2,
    ...manyStreams(16),
    connect_timeout: '0.25s',
    outlier_detection: {
      consecutive_5xx: 5,
      enforcing_consecutive_5xx: 100,
      consecutive_gateway_failure: 5,
      enforcing_consecutive_gateway_failure: 100,
      enforcing_success_rate: 0,
      interval: '1s',
      base_ejection_time: '5s',
      max_ejection_time: '5s',
      max_ejection_percent: 100,
      always_eject_one_host: true,
    },
  };
}

function cluster(name: ClusterName, addresses: readonly HostPort[]): EnvoyObject {
  return {
    name,
    // With addresses, Envoy waits for the health of each before it opens; each address behind a name is an instance too.
    type: addresses.every(({ host }) => isIP(host)) ? 'STATIC' : 'STRICT_DNS',
    dns_lookup_family: 'V4_PREFERRED',
    connect_timeout: '1s',
    lb_policy: 'LEAST_REQUEST',
    // With no healthy instance left, say so at once instead of trying the dead ones.
    // A change of health counts at once; by default it may be held back for a second.
    common_lb_config: { healthy_panic_threshold: { value: 0 }, update_merge_window: '0s' },
    outlier_detection: OUTLIERS,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: addresses.map(endpoint) }] },
  };
}

function endpoint({ host, port }: HostPort): EnvoyObject {
  return { endpoint: { address: { socket_address: { address: host, port_value: port } } } };
}

// An instance is left for failures of its transport only: by default five answers of INTERNAL or UNAVAILABLE, which any
// client may provoke, would eject it.
const OUTLIERS: EnvoyObject = {
  split_external_local_origin_errors: true,
  consecutive_local_origin_failure: 5,
  enforcing_consecutive_local_origin_failure: 100,
  enforcing_local_origin_success_rate: 0,
  enforcing_consecutive_5xx: 0,
  enforcing_consecutive_gateway_failure: 0,
  enforcing_success_rate: 0,
  base_ejection_time: '5s',
  max_ejection_percent: 50,
};

const http2: EnvoyObject = httpProtocol(
  {},
  {
    http2_protocol_options: {
      initial_stream_window_size: 256 * 1024,
      initial_connection_window_size: 1024 * 1024,
      connection_keepalive: { interval: '15s', timeout: '5s' }, // finds an instance that hangs
    },
  },
);

function httpProtocol(common: EnvoyObject, explicit: EnvoyObject): EnvoyObject {
  return {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        { ...common, explicit_http_config: explicit },
      ),
    },
  };
}

function manyStreams(connections: number): EnvoyObject {
  return {
    circuit_breakers: {
      thresholds: [
        {
          max_connections: connections,
          max_pending_requests: 4096,
          max_requests: MAX_STREAMS,
          max_retries: 50,
          track_remaining: true,
        },
      ],
    },
  };
}
