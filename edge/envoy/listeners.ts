import { type EnvoyObject, extension } from './envoy-object.ts';
import { httpConnectionManager } from './http-connection.ts';
import type { EnvoyOptions } from './options.ts';

// What a slow reader can hold up in Envoy, per connection and direction.
const CONNECTION_BUFFER_BYTES = 64 * 1024;

/** TLS always; plain text beside it only in development. Both carry the same HTTP stack. */
export function listeners(options: EnvoyOptions): EnvoyObject[] {
  return options.mode === 'production' ? [tlsListener(options)] : [tlsListener(options), plainListener(options)];
}

function tlsListener(options: EnvoyOptions): EnvoyObject {
  return {
    ...listener('edge_tls', options.host, options.ports.tls),
    listener_filters: [
      extension(
        'envoy.filters.listener.tls_inspector',
        'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
      ),
    ],
    filter_chains: [
      {
        transport_socket: tlsSocket(options),
        transport_socket_connect_timeout: '10s',
        filters: [httpConnectionManager(options)],
      },
    ],
  };
}

function plainListener(options: EnvoyOptions): EnvoyObject {
  return {
    ...listener('edge_plain', options.host, options.ports.plain),
    filter_chains: [{ filters: [httpConnectionManager(options)] }],
  };
}

function listener(name: string, host: string, port: number): EnvoyObject {
  return {
    name,
    address: { socket_address: { address: host, port_value: port } },
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
  };
}

function tlsSocket({ certificate }: EnvoyOptions): EnvoyObject {
  return extension('envoy.transport_sockets.tls', 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: {
      // HTTP/2 for gRPC and gRPC-Web, HTTP/1.1 for the WebSocket of a browser.
      alpn_protocols: ['h2', 'http/1.1'],
      tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
      tls_certificates: [
        { certificate_chain: { filename: certificate.chainFile }, private_key: { filename: certificate.keyFile } },
      ],
    },
  });
}
