import { spiffeId } from '@realchat/identity';
import { type EnvoyObject, extension } from './envoy-object.ts';
import type { MeshTls } from './options.ts';

/**
 * Shows Envoy's certificate of the mesh to an upstream, and takes it for that process only by its own: at whatever address
 * it is, and for calls and health checks alike. In plain text without a certificate.
 */
export function meshTls(mesh: MeshTls | undefined, server: string, protocol: 'h2' | 'http/1.1'): EnvoyObject {
  if (!mesh) return {};
  const identity = spiffeId({ trustDomain: mesh.trustDomain, name: server });
  return {
    transport_socket: extension(
      'envoy.transport_sockets.tls',
      'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      {
        sni: server,
        common_tls_context: {
          alpn_protocols: [protocol],
          tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
          tls_certificates: [
            { certificate_chain: { filename: mesh.chainFile }, private_key: { filename: mesh.keyFile } },
          ],
          validation_context: {
            trusted_ca: { filename: mesh.authorityFile },
            match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: identity } }],
          },
        },
      },
    ),
  };
}
