import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type CertificateAndKey, makeAuthority, makeServerCertificate } from './certificates.ts';

/** The files of the TLS listener, PEM. */
export interface TlsFiles {
  /** What clients must trust. */
  authority: string;
  chain: string;
  key: string;
}

const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/** Names that the certificate of the edge always has. */
export const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '::1'] as const;

/**
 * Makes the development authority and the edge's certificate where they are missing, end within 30 days, or lack a host.
 * A new authority must be trusted anew by every client, so it is kept for as long as it is good.
 */
export async function ensureTls(folder: string, hosts: readonly string[], now = new Date()): Promise<TlsFiles> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const files = { authority: join(folder, 'ca.crt'), chain: join(folder, 'edge.crt'), key: join(folder, 'edge.key') };
  const authorityKey = join(folder, 'ca.key');

  let authority = readPair(files.authority, authorityKey);
  const renewed = !authority || !lasts(authority, now);
  if (!authority || renewed) {
    authority = await makeAuthority(now);
    writePair(authority, files.authority, authorityKey);
  }
  const server = readPair(files.chain, files.key);
  if (renewed || !server || !lasts(server, now) || !covers(server, hosts)) {
    writePair(await makeServerCertificate(authority, hosts, now), files.chain, files.key);
  }
  return files;
}

function lasts({ certificate }: CertificateAndKey, now: Date): boolean {
  return new X509Certificate(certificate).validToDate.getTime() - now.getTime() > RENEW_BEFORE_MS;
}

function covers({ certificate }: CertificateAndKey, hosts: readonly string[]): boolean {
  const parsed = new X509Certificate(certificate);
  return hosts.every((host) => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined);
}

/** Undefined when one of the two is missing, damaged, or not the other's. */
function readPair(certificateFile: string, keyFile: string): CertificateAndKey | undefined {
  try {
    const pair = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    return new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined;
  } catch {
    return undefined;
  }
}

function writePair(pair: CertificateAndKey, certificateFile: string, keyFile: string): void {
  for (const [file, text] of [
    [keyFile, pair.key],
    [certificateFile, pair.certificate],
  ] as const) {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}
