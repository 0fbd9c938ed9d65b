import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { trustDomainOf } from '@realchat/identity';
import { type MeshTls, renderEnvoyConfig } from '../../edge/envoy/render.ts';
import { defaultPorts } from '../stack/ports.ts';
import { ensureTls, LOOPBACK_HOSTS } from '../stack/tls.ts';
import type { EdgeConfig } from './config.ts';
import { findServerCertificate, UnusableCertificate } from './server-certificate.ts';

/** The settings are well formed but would not make an edge that clients can use safely. */
export class UnusableEdge extends Error {
  override name = 'UnusableEdge';
}

/**
 * Writes Envoy's configuration. In development it also makes what TLS needs; in production the operator brings the
 * certificate, and nothing is served without TLS. Throws UnusableEdge.
 */
export async function writeEdgeFiles(config: EdgeConfig): Promise<void> {
  const origins = config.EDGE_ORIGINS.map((origin) => new URL(origin));
  const certificate = await certificateFor(config, origins);
  const configuration = renderEnvoyConfig({
    mode: config.REALCHAT_MODE,
    host: '0.0.0.0',
    ports: { plain: defaultPorts.edgePlain, tls: defaultPorts.edgeTls, admin: defaultPorts.edgeAdmin },
    certificate,
    allowedOrigins: origins.map(({ origin }) => origin),
    upstreams: {
      auth: config.AUTH_ADDRESSES,
      profile: config.PROFILE_ADDRESSES,
      messaging: config.MESSAGING_ADDRESSES,
      delivery: config.DELIVERY_ADDRESSES,
      operations: config.OPERATIONS_ADDRESSES,
      gateway: config.GATEWAY_HTTP_ADDRESSES,
      gatewayH2c: config.GATEWAY_H2C_ADDRESSES,
      rateLimit: config.RATE_LIMIT_ADDRESSES,
      jwks: config.JWKS_ADDRESSES,
    },
    mesh: meshTlsOf(config),
    tokens: { issuer: config.TOKEN_ISSUER, audience: config.TOKEN_AUDIENCE },
    accessLogFile: '/dev/stdout',
    trustedHops: config.EDGE_TRUSTED_HOPS,
    rateLimits: config.RATE_LIMITS,
  });
  writeFileSync(config.EDGE_CONFIGURATION_FILE, configuration, { mode: 0o600 });
}

async function certificateFor(
  { REALCHAT_MODE: mode, EDGE_TLS_FOLDER: folder }: EdgeConfig,
  origins: readonly URL[],
): Promise<{ chainFile: string; keyFile: string }> {
  const hosts = origins.filter(({ protocol }) => protocol === 'https:').map(hostOf);
  if (mode === 'development') {
    const { chain, key } = await ensureTls(folder, [...new Set([...LOOPBACK_HOSTS, ...hosts])]);
    return { chainFile: chain, keyFile: key };
  }
  try {
    return findServerCertificate(folder, hosts);
  } catch (error) {
    if (error instanceof UnusableCertificate) throw new UnusableEdge(error.message, { cause: error });
    throw error;
  }
}

/** Envoy reads the same files, in a folder that is its own. */
function meshTlsOf({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CA_FILE }: EdgeConfig): MeshTls | undefined {
  if (!TLS_CERT_FILE || !TLS_KEY_FILE || !TLS_CA_FILE) return undefined;
  const trustDomain = trustDomainOf(new X509Certificate(readFileSync(TLS_CERT_FILE)));
  if (trustDomain === undefined) throw new UnusableEdge(`${TLS_CERT_FILE} names no process of the mesh`);
  return { chainFile: TLS_CERT_FILE, keyFile: TLS_KEY_FILE, authorityFile: TLS_CA_FILE, trustDomain };
}

/** Without the brackets of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
