import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { NewKey } from '../db/signing-keys.ts';
import type { Sealer } from '../domain/sealed-secret.ts';

/** The algorithm of every key; one algorithm, so that no key is ever taken for one of another. */
export const SIGNING_ALGORITHM = 'ES256';

/** Makes a key, its private part sealed. */
export async function makeKey(sealer: Sealer): Promise<NewKey> {
  const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const keyId = await calculateJwkThumbprint(publicJwk);
  return {
    keyId,
    publicJwk: { ...publicJwk, kid: keyId, alg: SIGNING_ALGORITHM, use: 'sig' },
    sealedPrivateJwk: sealer.seal(JSON.stringify(await exportJWK(privateKey)), keyId),
  };
}
