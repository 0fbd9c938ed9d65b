import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CertificateAndKey } from './certificates.ts';

const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/** Whether there are more than 30 days left. */
export function lasts({ certificate }: CertificateAndKey, now: Date): boolean {
  return new X509Certificate(certificate).validToDate.getTime() - now.getTime() > RENEW_BEFORE_MS;
}

/** Undefined when one of the two is missing, damaged, or not the other's. */
export function readPair(certificateFile: string, keyFile: string): CertificateAndKey | undefined {
  try {
    const pair = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    return new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined;
  } catch {
    return undefined;
  }
}

export function writePair(pair: CertificateAndKey, certificateFile: string, keyFile: string): void {
  writePrivate(keyFile, pair.key);
  writePrivate(certificateFile, pair.certificate);
}

/** For this user alone, and whole or not at all. */
export function writePrivate(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A folder for this user alone. */
export function makePrivateFolder(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}
