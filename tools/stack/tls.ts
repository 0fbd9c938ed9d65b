import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { lasts, makePrivateFolder, readPair, writePair } from './certificate-files.ts';
import { type CertificateAndKey, makeAuthority, makeServerCertificate } from './certificates.ts';

/** The files of the TLS listener, PEM. */
export interface TlsFiles {
  /** What clients must trust. */
  authority: string;
  chain: string;
  key: string;
}

/** Names that the certificate of the edge always has. */
export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '::1'] as const;

/**
 * Makes the development authority and the edge's certificate where they are missing, end within 30 days, or lack a host.
 * A new authority must be trusted anew by every client, so it is kept for as long as it is good.
 */
export async function ensureTls(folder: string, hosts: readonly string[], now = new Date()): Promise<TlsFiles> {
  makePrivateFolder(folder);
  const files = { authority: join(folder, 'ca.crt'), chain: join(folder, 'edge.crt'), key: join(folder, 'edge.key') };
  const authorityKey = join(folder, 'ca.key');

  let authority = readPair(files.authority, authorityKey);
  const renewed = !authority || !lasts(authority, now);
  if (!authority || renewed) {
    authority = await makeAuthority('RealChat development CA', now);
    writePair(authority, files.authority, authorityKey);
  }
  const server = readPair(files.chain, files.key);
  if (renewed || !server || !lasts(server, now) || !covers(server, hosts)) {
    writePair(await makeServerCertificate(authority, hosts, now), files.chain, files.key);
  }
  return files;
}

function covers({ certificate }: CertificateAndKey, hosts: readonly string[]): boolean {
  const parsed = new X509Certificate(certificate);
  return hosts.every((host) => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined);
}
