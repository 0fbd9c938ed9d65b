import { KeyObject, randomUUID, sign as signBytes } from 'node:crypto';
import { createClient } from '@realchat/db';
import { CompactEncrypt, exportSPKI, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { createSealer } from '../../../services/auth/domain/sealed-secret.ts';
import type { Mesh } from '../support/mesh.ts';

/** A token that must not pass, and the reason that the refusal has to give. */
export interface ForgedToken {
  what: string;
  token: string;
  reason: 'TOKEN_INVALID' | 'TOKEN_EXPIRED';
}

/**
 * Tokens that differ from a genuine one in just one way. Those that speak of claims are signed with auth's own key, taken
 * from its database: only what they say is wrong.
 */
export async function forgeTokens(mesh: Mesh, genuine: string): Promise<ForgedToken[]> {
  const { key, publicJwk } = await readSigningKey(mesh);
  const [header, claims] = genuine.split('.').slice(0, 2).map(decode) as [Record<string, unknown>, JWTPayload];
  const now = Math.floor(Date.now() / 1000);
  const signed = (change: JWTPayload, changedHeader: Record<string, unknown> = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ ...header, ...changedHeader } as never)
      .sign(key, { crit: { 'urn:unknown': true } });
  const other = await generateKeyPair('ES256', { extractable: true });
  const publicPem = await exportSPKI((await importJWK(publicJwk, 'ES256', { extractable: true })) as never);
  const invalid = async (what: string, token: string | Promise<string>): Promise<ForgedToken> => {
    return { what, token: await token, reason: 'TOKEN_INVALID' };
  };
  const hmac = (secret: string) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' } as never).sign(Buffer.from(secret));

  return [
    await invalid('nothing that resembles a token', 'not-a-token'),
    await invalid('alg none, no signature', `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`),
    await invalid('alg nOnE, no signature', `${encode({ ...header, alg: 'nOnE' })}.${encode(claims)}.`),
    await invalid('the signature cut off', `${genuine.split('.').slice(0, 2).join('.')}.`),
    await invalid('other claims under a genuine signature', swapClaims(genuine, { ...claims, sub: randomUUID() })),
    await invalid(
      'the signature of another key',
      new SignJWT(claims).setProtectedHeader(header as never).sign(other.privateKey),
    ),
    await invalid('another key, brought along as jwk', withOwnKey(claims, header)),
    await invalid('another key, pointed at by jku', withOwnKey(claims, { ...header, jku: `${mesh.plain}/keys.json` })),
    await invalid('HS256 with the public key as its secret', hmac(publicPem)),
    await invalid('HS256 with the public JWK as its secret', hmac(JSON.stringify(publicJwk))),
    await invalid('a key id that nobody has', signed({}, { kid: 'unknown' })),
    await invalid('a key id that is a path', signed({}, { kid: '../../../../dev/null' })),
    await invalid('a critical header that nobody knows', signed({}, { crit: ['urn:unknown'], 'urn:unknown': 1 })),
    await invalid('the signature in DER', derSigned(genuine, key)),
    await invalid('an encrypted token', encrypted(claims)),
    await invalid('the type of another kind of token', signed({}, { typ: 'JWT' })),
    await invalid('another audience', signed({ aud: 'another' })),
    await invalid('another issuer', signed({ iss: 'https://evil.example' })),
    await invalid('no subject', signed({ sub: undefined as never })),
    await invalid('no session', signed({ sid: undefined })),
    await invalid('no end', signed({ exp: undefined as never })),
    await invalid('an end that is far away', signed({ exp: now + 365 * 24 * 3600 })),
    await invalid('an end that is a word', signed({ exp: 'tomorrow' as never })),
    await invalid('a beginning in the future', signed({ nbf: now + 3600 })),
    {
      what: 'an end that has passed',
      token: await signed({ iat: now - 900, exp: now - 600 }),
      reason: 'TOKEN_EXPIRED',
    },
  ];
}

async function readSigningKey({ stack }: Mesh) {
  const client = createClient({ url: stack.environment('auth').DATABASE_URL ?? '', name: 'e2e' });
  await client.connect();
  try {
    const { rows } = await client.query<{ key_id: string; public_jwk: JWK; sealed_private_jwk: Buffer }>(
      'select key_id, public_jwk, sealed_private_jwk from signing_key order by sign_from desc limit 1',
    );
    const stored = rows[0];
    if (!stored) throw new Error('auth has no key');
    const opened = createSealer(stack.secrets.signingKey).open(stored.sealed_private_jwk, stored.key_id);
    const key = (await importJWK({ ...(JSON.parse(opened) as JWK), ext: true }, 'ES256')) as CryptoKey;
    return { key, publicJwk: stored.public_jwk };
  } finally {
    await client.end();
  }
}

async function withOwnKey(claims: JWTPayload, header: Record<string, unknown>): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await crypto.subtle.exportKey('jwk', publicKey);
  return new SignJWT(claims).setProtectedHeader({ ...header, jwk } as never).sign(privateKey);
}

/** As many libraries sign by default; JWS wants the plain form. */
function derSigned(genuine: string, key: CryptoKey): string {
  const signedPart = genuine.split('.').slice(0, 2).join('.');
  const signature = signBytes('sha256', Buffer.from(signedPart), { key: KeyObject.from(key), dsaEncoding: 'der' });
  return `${signedPart}.${signature.toString('base64url')}`;
}

async function encrypted(claims: JWTPayload): Promise<string> {
  const { publicKey } = await generateKeyPair('ECDH-ES');
  const plain = Buffer.from(JSON.stringify(claims));
  return new CompactEncrypt(plain)
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF' })
    .encrypt(publicKey);
}

function swapClaims(token: string, claims: JWTPayload): string {
  const [header, , signature] = token.split('.');
  return `${header}.${encode(claims)}.${signature}`;
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}
