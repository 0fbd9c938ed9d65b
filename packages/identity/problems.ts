import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IdentityConfig } from './settings.ts';
import { spiffeIdOf } from './spiffe-id.ts';

/** The texts of an identity's files. */
export interface IdentityFiles {
  cert: string;
  key: string;
  ca: string;
}

const NAMES = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CA_FILE'] as const;

/** For loadConfig: whether the files of the settings make the identity of the process of this name. */
export function checkIdentity(name: string): (config: IdentityConfig) => string[] {
  return (config) => {
    const missing = NAMES.filter((setting) => config[setting] === undefined);
    if (missing.length === NAMES.length) return [];
    if (missing.length > 0) return missing.map((setting) => `${setting}: is needed with the other two`);
    const read = readIdentity(config);
    return Array.isArray(read) ? read : identityProblems(read, name);
  };
}

/** Reads the three files, or says what cannot be read. Undefined when none is set. */
export function readIdentity(config: IdentityConfig): IdentityFiles | string[] {
  const problems: string[] = [];
  const [cert = '', key = '', ca = ''] = NAMES.map((setting) => {
    try {
      return readFileSync(config[setting] ?? '', 'utf8');
    } catch (error) {
      problems.push(`${setting}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
      return undefined;
    }
  });
  return problems.length > 0 ? problems : { cert, key, ca };
}

/** What keeps these from being the identity of the process of that name, `SETTING: problem`. */
export function identityProblems({ cert, key, ca }: IdentityFiles, name: string, now = new Date()): string[] {
  const certificate = parsed(() => new X509Certificate(cert));
  const privateKey = parsed(() => createPrivateKey(key));
  const authorities = authoritiesIn(ca);
  const problems: string[] = [];
  if (!privateKey) problems.push('TLS_KEY_FILE: holds no private key');
  if (authorities.length === 0) problems.push('TLS_CA_FILE: holds no certificate');
  if (!certificate) return ['TLS_CERT_FILE: holds no certificate', ...problems];
  if (privateKey && !certificate.checkPrivateKey(privateKey)) {
    problems.push('TLS_KEY_FILE: is not the key of the certificate');
  }
  if (now < certificate.validFromDate || now > certificate.validToDate) {
    problems.push(`TLS_CERT_FILE: is in force from ${certificate.validFrom} to ${certificate.validTo}`);
  }
  if (authorities.length > 0 && !authorities.some((authority) => isIssuedBy(certificate, authority))) {
    problems.push('TLS_CERT_FILE: is not issued by an authority of TLS_CA_FILE');
  }
  const said = spiffeIdOf(certificate.subjectAltName)?.name;
  if (said !== name) problems.push(`TLS_CERT_FILE: is the certificate of ${said ?? 'no service'}, not of ${name}`);
  return problems;
}

/** Every certificate of a file. */
function authoritiesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => parsed(() => new X509Certificate(block)) ?? []);
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
