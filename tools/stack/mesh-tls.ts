import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spiffeId, spiffeIdOf } from '@realchat/identity';
import { lasts, makePrivateFolder, readPair, writePair, writePrivate } from './certificate-files.ts';
import { type CertificateAndKey, makeAuthority, makeMeshCertificate } from './certificates.ts';

/** The files of one process of the mesh, PEM. */
export interface MeshTlsFiles {
  certificate: string;
  key: string;
  /** Whom it believes about others. */
  authority: string;
}

/** Folders for this user alone: that of the authority's key, and one for each process, by its name. */
export interface MeshTlsFolders {
  authority: string;
  members: Readonly<Record<string, string>>;
}

/** The domain of the identities that we make. */
export const TRUST_DOMAIN = 'realchat.local';

/** Names by which a process is called on its own machine. */
const OWN_MACHINE = ['localhost', '127.0.0.1', '::1'];

/** What a process reads, in its folder. */
export function meshTlsFiles(folder: string): MeshTlsFiles {
  return { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), authority: join(folder, 'ca.crt') };
}

/** The folders side by side in one. */
export function meshTlsFolders(folder: string, names: readonly string[]): MeshTlsFolders {
  const members = Object.fromEntries(names.map((name) => [name, join(folder, name)]));
  return { authority: join(folder, 'authority'), members };
}

/**
 * Makes the authority of the mesh, which is none of the edge's and in no browser, and a certificate for each process, where
 * they are missing or end within 30 days. A process finds in its folder all that it reads, and nothing of others.
 */
export async function ensureMeshTls(folders: MeshTlsFolders, now = new Date()): Promise<void> {
  makePrivateFolder(folders.authority);
  const files = { certificate: join(folders.authority, 'ca.crt'), key: join(folders.authority, 'ca.key') };
  const kept = readPair(files.certificate, files.key);
  const authority = kept && lasts(kept, now) ? kept : await makeAuthority('RealChat mesh CA', now);
  if (authority !== kept) writePair(authority, files.certificate, files.key);
  for (const [name, folder] of Object.entries(folders.members)) await ensureMember(name, folder, authority, now);
}

async function ensureMember(name: string, folder: string, authority: CertificateAndKey, now: Date): Promise<void> {
  const files = meshTlsFiles(folder);
  makePrivateFolder(folder);
  const authorityText = existsSync(files.authority) ? readFileSync(files.authority, 'utf8') : '';
  if (authorityText !== authority.certificate) writePrivate(files.authority, authority.certificate);
  const kept = readPair(files.certificate, files.key);
  if (kept && lasts(kept, now) && isOf(kept, name, authority)) return;
  const identity = spiffeId({ trustDomain: TRUST_DOMAIN, name });
  const made = await makeMeshCertificate(authority, { identity, name, hosts: [name, ...OWN_MACHINE] }, now);
  writePair(made, files.certificate, files.key);
}

function isOf({ certificate }: CertificateAndKey, name: string, authority: CertificateAndKey): boolean {
  const parsed = new X509Certificate(certificate);
  const id = spiffeIdOf(parsed.subjectAltName);
  const issuer = new X509Certificate(authority.certificate);
  return id?.name === name && id.trustDomain === TRUST_DOMAIN && parsed.verify(issuer.publicKey);
}
