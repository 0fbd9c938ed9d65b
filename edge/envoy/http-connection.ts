import { accessLog } from './access-log.ts';
import { type EnvoyObject, extension } from './envoy-object.ts';
import { removeForgeableHeaders } from './headers.ts';
import { httpFilters } from './http-filters.ts';
import { localReplies } from './local-replies.ts';
import type { EnvoyOptions } from './options.ts';
import { routeConfig } from './routes.ts';

/** How a connection of a client becomes requests: whom to believe, how much, how long, and what happens to each. */
export function httpConnectionManager(options: EnvoyOptions): EnvoyObject {
  return extension(
    'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 'edge',
      codec_type: 'AUTO',
      server_name: 'realchat',
      ...whomToBelieve(options),
      ...howMuch,
      ...howLong,
      upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }], // only where a route allows it
      http_filters: httpFilters(options),
      route_config: routeConfig(options),
      local_reply_config: localReplies(),
      access_log: accessLog(options),
    },
  );
}

function whomToBelieve(options: EnvoyOptions): EnvoyObject {
  return {
    // The peer is the client, unless proxies of ours stand in front; what a client says of its address is nothing.
    // No `internal_address_config`: without it no address makes a caller trusted, with an empty one private addresses do.
    use_remote_address: true,
    xff_num_trusted_hops: options.trustedHops,
    early_header_mutation_extensions: [removeForgeableHeaders(options)],
    generate_request_id: true,
    preserve_external_request_id: false,
    always_set_request_id_in_response: true,
    normalize_path: true,
    merge_slashes: false,
    path_with_escaped_slashes_action: 'REJECT_REQUEST',
  };
}

const howMuch: EnvoyObject = {
  max_request_headers_kb: 16,
  common_http_protocol_options: {
    idle_timeout: '3600s',
    max_headers_count: 100,
    headers_with_underscores_action: 'REJECT_REQUEST',
  },
  http_protocol_options: { enable_trailers: true },
  http2_protocol_options: {
    override_stream_error_on_invalid_http_message: true, // one bad request is not the end of the others
    max_concurrent_streams: 100,
    initial_stream_window_size: 256 * 1024,
    initial_connection_window_size: 1024 * 1024,
    connection_keepalive: { interval: '30s', timeout: '10s' },
  },
};

const howLong: EnvoyObject = {
  request_headers_timeout: '10s',
  stream_idle_timeout: '60s', // routes of streams turn it off
  drain_timeout: '5s',
  delayed_close_timeout: '1s',
};
