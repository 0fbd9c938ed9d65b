import type { Pool } from '@realchat/db';
import { unavailable } from '@realchat/rpc';
import type { Logger } from '@realchat/telemetry';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { readSigningKeys, type StoredKey, storeFirstSigningKey } from '../db/signing-keys.ts';
import type { Sealer } from '../domain/sealed-secret.ts';

/** The algorithm of every key; one algorithm, so that no key is ever taken for one of another. */
export const SIGNING_ALGORITHM = 'ES256';

const RELOAD_MS = 60_000;
const RETRY_MS = 500;

/** A key that signs from its time on. */
interface SigningKey {
  keyId: string;
  privateKey: CryptoKey;
  /** Milliseconds since the epoch. */
  signFrom: number;
}

/** The keys of access tokens: kept in the database, sealed, the same for all instances. */
export interface SigningKeys {
  /** Loads the keys, making the first one if there is none. Goes on trying while the database is away. */
  start(): Promise<void>;
  stop(): void;
  /** The key that signs now. Throws UNAVAILABLE while none is loaded. */
  current(): Pick<SigningKey, 'keyId' | 'privateKey'>;
  /** Every key that verifies now or will; undefined while none is loaded. */
  publicSet(): { keys: JWK[] } | undefined;
  /** What keeps tokens from being signed. */
  problems(): string[];
}

export function createSigningKeys(options: { pool: Pool; sealer: Sealer; log: Logger }): SigningKeys {
  const { pool, sealer, log } = options;
  let signing: SigningKey[] = [];
  let published: JWK[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const load = async () => {
    let stored = await readSigningKeys(pool);
    if (stored.length === 0) {
      await makeFirstKey(pool, sealer, log);
      stored = await readSigningKeys(pool);
    }
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
    if (!stopped) timer = setTimeout(() => void reload(), failed && !signing.length ? RETRY_MS : RELOAD_MS).unref();
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
    publicSet: () => (published.length ? { keys: published } : undefined),
    problems: () => (current() ? [] : ['no signing key yet']),
  };
}

async function makeFirstKey(pool: Pool, sealer: Sealer, log: Logger): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const keyId = await calculateJwkThumbprint(publicJwk);
  const stored = await storeFirstSigningKey(pool, {
    keyId,
    publicJwk: { ...publicJwk, kid: keyId, alg: SIGNING_ALGORITHM, use: 'sig' },
    sealedPrivateJwk: sealer.seal(JSON.stringify(await exportJWK(privateKey)), keyId),
  });
  if (stored) log.info({ keyId }, 'made the first signing key');
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
