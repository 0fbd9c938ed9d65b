import { celFilter, type EnvoyObject, extension } from './envoy-object.ts';
import type { EnvoyOptions } from './options.ts';
import { FACTS } from './request-facts.ts';
import { CLAIMS, JWT_FILTER } from './tokens.ts';

const GRPC_STATUS = {
  operators: [
    { command: 'TRAILER', param: 'grpc-status' },
    { command: 'RESP', param: 'grpc-status' },
  ],
};

const REQUEST: EnvoyObject = {
  time: '%START_TIME%',
  service: 'envoy',
  trace_id: `%DYNAMIC_METADATA(${FACTS}:trace_id)%`,
  request_id: '%REQ(X-REQUEST-ID)%',
  user_id: `%DYNAMIC_METADATA(${JWT_FILTER}:${CLAIMS}:sub)%`,
  client: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  protocol: '%PROTOCOL%',
  method: '%REQ(:METHOD)%',
  path: '%PATH(NQ)%',
  content_type: `%DYNAMIC_METADATA(${FACTS}:content_type)%`,
  route: '%ROUTE_NAME%',
  status: '%RESPONSE_CODE%',
  // Absent where it is in the body: gRPC-Web, for a call that answered with a message.
  grpc_status: `%COALESCE(${JSON.stringify(GRPC_STATUS)})%`,
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  upstream: '%UPSTREAM_HOST%',
  upstream_failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  duration_ms: '%DURATION%',
  upstream_ms: '%RESPONSE_DURATION%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
};

/** One JSON line per finished request. No query and no header that may carry a token. */
export function accessLog(options: EnvoyOptions): EnvoyObject[] {
  return [{ ...jsonLines(options, REQUEST), filter: { not_health_check_filter: {} } }];
}

const HIDDEN_END: EnvoyObject = {
  time: '%START_TIME%',
  service: 'envoy',
  event: 'call failed after its first message',
  request_id: '%REQ(X-REQUEST-ID)%',
  path: '%PATH(NQ)%',
  grpc_status: '%TRAILER(grpc-status)%',
  upstream: '%UPSTREAM_HOST%',
};

/** One more line, on the side of the services, for a status that the translation to gRPC-Web puts into the body. */
export function hiddenEndsLog(options: EnvoyOptions): EnvoyObject[] {
  return [{ ...jsonLines(options, HIDDEN_END), filter: celFilter("response.trailers['grpc-status'] != '0'") }];
}

function jsonLines({ accessLogFile }: EnvoyOptions, line: EnvoyObject): EnvoyObject {
  return extension('envoy.access_loggers.file', 'envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path: accessLogFile,
    log_format: { json_format: line, omit_empty_values: true },
  });
}
