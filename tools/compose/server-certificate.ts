import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** There is no certificate that a client would accept. */
export class UnusableCertificate extends Error {
  override name = 'UnusableCertificate';
}

/**
 * The files of the operator's certificate, `edge.crt` and `edge.key` in the folder, when they can be read, belong together,
 * are in force and name every host. Throws UnusableCertificate.
 */
export function findServerCertificate(
  folder: string,
  hosts: readonly string[],
  now = new Date(),
): { chainFile: string; keyFile: string } {
  const chainFile = join(folder, 'edge.crt');
  const keyFile = join(folder, 'edge.key');
  const certificate = parse(chainFile, (text) => new X509Certificate(text));
  const key = parse(keyFile, createPrivateKey);
  if (!certificate.checkPrivateKey(key)) throw new UnusableCertificate(`${keyFile} is not the key of ${chainFile}`);
  if (now < certificate.validFromDate || now > certificate.validToDate) {
    throw new UnusableCertificate(`${chainFile} is in force from ${certificate.validFrom} to ${certificate.validTo}`);
  }
  const unnamed = hosts.filter((host) => !(isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)));
  if (unnamed.length > 0) throw new UnusableCertificate(`${chainFile} does not name ${unnamed.join(', ')}`);
  return { chainFile, keyFile };
}

function parse<T>(file: string, parser: (text: string) => T): T {
  try {
    return parser(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UnusableCertificate(`${file} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}
