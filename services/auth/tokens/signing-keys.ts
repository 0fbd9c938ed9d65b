import type { Pool } from '@realchat/db';
import { Code, RpcError, unavailable } from '@realchat/rpc';
import type { Logger } from '@realchat/telemetry';
import { type CryptoKey, importJWK, type JWK } from 'jose';
import { deleteRetiredKeys, isKeyDue, readSigningKeys, type StoredKey, storeNextKey } from '../db/signing-keys.ts';
import type { KeyTimes } from '../domain/key-times.ts';
import type { Sealer } from '../domain/sealed-secret.ts';
import { makeKey, SIGNING_ALGORITHM } from './new-key.ts';

const RETRY_MS = 500;

/** A key that signs from its time on. */
interface SigningKey {
  keyId: string;
  privateKey: CryptoKey;
  /** Milliseconds since the epoch. */
  signFrom: number;
}

/** The keys of access tokens: kept in the database, sealed, the same for all instances, and renewed in time. */
export interface SigningKeys {
  /** Loads the keys, making the first ones if there are none. Goes on trying while the database is away. */
  start(): Promise<void>;
  stop(): void;
  /** The key that signs now. Throws UNAVAILABLE while none is loaded. */
  current(): Pick<SigningKey, 'keyId' | 'privateKey'>;
  /** The public key of an id. Throws UNAUTHENTICATED for an unknown one, UNAVAILABLE while none is loaded. */
  find(keyId: string | undefined): Promise<CryptoKey>;
  /** Whether a key is among those that verify. */
  knows(keyId: string): boolean;
  /** Every key that verifies now or will; undefined while none is loaded. */
  publicSet(): { keys: JWK[] } | undefined;
  /** What keeps tokens from being signed. */
  problems(): string[];
}

export function createSigningKeys(options: { pool: Pool; sealer: Sealer; times: KeyTimes; log: Logger }): SigningKeys {
  const { pool, sealer, times, log } = options;
  let signing: SigningKey[] = [];
  let published: JWK[] = [];
  let verifying = new Map<string, CryptoKey>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const renew = async () => {
    // At the very first start it is two: the one that signs, and the next.
    while (await isKeyDue(pool)) {
      const key = await makeKey(sealer);
      if (await storeNextKey(pool, key, times)) log.info({ keyId: key.keyId }, 'made the next signing key');
    }
    await deleteRetiredKeys(pool);
  };

  const load = async () => {
    await renew();
    const stored = await readSigningKeys(pool);
    verifying = await importAll(stored);
    published = stored.map((key) => key.publicJwk);
    signing = await openAll(stored, sealer, log);
  };

  const reload = async (): Promise<void> => {
    const failed = await load().then(
      () => false,
      (error: unknown) => {
        log.warn(
          { err: error, loaded: signing.length },
          'could not load the signing keys; going on with those at hand',
        );
        return true;
      },
    );
    if (!stopped)
      timer = setTimeout(() => void reload(), failed && !signing.length ? RETRY_MS : times.reloadMs).unref();
  };

  const current = () => {
    const now = Date.now();
    return signing.findLast((key) => key.signFrom <= now);
  };

  return {
    start: reload,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    current() {
      const key = current();
      if (!key) throw unavailable('tokens cannot be signed yet');
      return key;
    },
    async find(keyId) {
      const key = keyId ? verifying.get(keyId) : undefined;
      if (key) return key;
      if (verifying.size === 0) throw unavailable('tokens cannot be verified yet');
      throw new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'the access token is not valid');
    },
    knows: (keyId) => verifying.has(keyId),
    publicSet: () => (published.length ? { keys: published } : undefined),
    problems: () => (current() ? [] : ['no signing key yet']),
  };
}

async function importAll(stored: StoredKey[]): Promise<Map<string, CryptoKey>> {
  const keys = stored.map(
    async ({ keyId, publicJwk }) => [keyId, (await importJWK(publicJwk, SIGNING_ALGORITHM)) as CryptoKey] as const,
  );
  return new Map(await Promise.all(keys));
}

/** A key that cannot be opened is left out and told of: another that can may go on signing. */
async function openAll(stored: StoredKey[], sealer: Sealer, log: Logger): Promise<SigningKey[]> {
  const opened: SigningKey[] = [];
  for (const { keyId, sealedPrivateJwk, signFrom } of stored) {
    try {
      const jwk: JWK = JSON.parse(sealer.open(sealedPrivateJwk, keyId));
      opened.push({ keyId, signFrom, privateKey: (await importJWK(jwk, SIGNING_ALGORITHM)) as CryptoKey });
    } catch {
      // The error could quote what was decrypted.
      log.error({ keyId }, 'a signing key cannot be opened; SIGNING_KEY_SECRET is not the one that sealed it');
    }
  }
  return opened;
}
