import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as Crypto);

/** A certificate and its private key as PEM. */
export interface CertificateAndKey {
  certificate: string;
  key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 5 * 365;
/** Browsers refuse server certificates that run for longer than 398 days. */
const SERVER_DAYS = 397;

/** A certificate authority of ours, of that common name: valid for five years, and for no authority below it. */
export async function makeAuthority(commonName: string, now: Date): Promise<CertificateAndKey> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${commonName}`,
    notBefore: daysFrom(now, -1),
    notAfter: daysFrom(now, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/** A server certificate for these host names and addresses, signed by the authority. */
export function makeServerCertificate(
  authority: CertificateAndKey,
  hosts: readonly string[],
  now: Date,
): Promise<CertificateAndKey> {
  const usages = [x509.ExtendedKeyUsage.serverAuth];
  return makeCertificate({ authority, commonName: 'RealChat edge', names: namesOf(hosts), usages, now });
}

/** The certificate of a process of the mesh, which serves and calls with it, for its identity and these hosts. */
export function makeMeshCertificate(
  authority: CertificateAndKey,
  { identity, name, hosts }: { identity: string; name: string; hosts: readonly string[] },
  now: Date,
): Promise<CertificateAndKey> {
  const names: x509.JsonGeneralName[] = [{ type: 'url', value: identity }, ...namesOf(hosts)];
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return makeCertificate({ authority, commonName: `RealChat ${name}`, names, usages, now });
}

interface Request {
  authority: CertificateAndKey;
  commonName: string;
  names: x509.JsonGeneralName[];
  usages: x509.ExtendedKeyUsageType[];
  now: Date;
}

async function makeCertificate({ authority, commonName, names, usages, now }: Request): Promise<CertificateAndKey> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: issuer.subject,
    subject: `CN=${commonName}`,
    notBefore: daysFrom(now, -1),
    notAfter: new Date(Math.min(daysFrom(now, SERVER_DAYS).getTime(), issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

function namesOf(hosts: readonly string[]): x509.JsonGeneralName[] {
  return hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }));
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

function importKey(key: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(key), ALGORITHM, false, ['sign']);
}

/** 127 random bits: positive whatever they are. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}

function daysFrom(now: Date, days: number): Date {
  return new Date(now.getTime() + days * DAY_MS);
}
