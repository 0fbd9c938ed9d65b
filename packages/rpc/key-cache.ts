import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Code } from '@realchat/gen/google/rpc/code';
import { getOverTls, type Identity } from '@realchat/identity';
import type { Logger } from '@realchat/telemetry';
import { type CryptoKey, importJWK, type JSONWebKeySet } from 'jose';
import { RpcError } from './rpc-error.ts';

/** The public keys that verify access tokens. They are kept when auth is away, and over restarts with a file. */
export interface KeyCache {
  /** Loads the keys; resolves even when auth is away, as long as it may come back. */
  start(): Promise<void>;
  stop(): void;
  /** The key of an id. Throws UNAUTHENTICATED for an unknown one, UNAVAILABLE when no key was ever seen. */
  find(keyId: string | undefined): Promise<CryptoKey>;
  /** Whether the key of an id is at hand. */
  knows(keyId: string): boolean;
  /** True when there is at least one key. */
  ready(): boolean;
}

const REFRESH_MS = 60_000;
const RETRY_MS = 1_000;
/** An unknown key id makes one fetch in this time, so that a flood of them makes one fetch too. */
const UNKNOWN_ID_COOLDOWN_MS = 5_000;
const FETCH_TIMEOUT_MS = 2_000;

/** The keys of a process that has the settings of one that verifies tokens. */
export function openKeyCache(
  config: { JWKS_URL: readonly string[]; JWKS_CACHE_FILE?: string | undefined; JWKS_MAX_AGE_SECONDS: number },
  identity: Identity | undefined,
  log: Logger,
): KeyCache {
  const refreshMs = config.JWKS_MAX_AGE_SECONDS * 1_000;
  return createKeyCache({ urls: config.JWKS_URL, identity, file: config.JWKS_CACHE_FILE, refreshMs, log });
}

/** Fetches a JWK set in the background and serves the newest one that was ever read. */
export function createKeyCache(options: {
  /** Of every instance that publishes them: asked in turn until one answers. */
  urls: readonly string[];
  /** Who this process is: over https, auth is asked and nobody else. */
  identity?: Identity | undefined;
  /** Keeps the keys over restarts. */
  file?: string | undefined;
  /** How old the keys may be while auth answers, in milliseconds. Default one minute. */
  refreshMs?: number;
  log: Logger;
}): KeyCache {
  const { refreshMs = REFRESH_MS } = options;
  let keys = new Map<string, CryptoKey>();
  let timer: NodeJS.Timeout | undefined;
  let fetching: Promise<void> | undefined;
  let lookedUpAt = Number.NEGATIVE_INFINITY;
  let stopped = false;

  const take = async (set: JSONWebKeySet) => {
    const next = new Map<string, CryptoKey>();
    for (const jwk of set.keys) {
      // One algorithm per key: what is not for ES256 signatures is none of ours.
      if (!jwk.kid || jwk.kty !== 'EC' || jwk.crv !== 'P-256' || (jwk.alg && jwk.alg !== 'ES256')) continue;
      next.set(jwk.kid, (await importJWK({ ...jwk, alg: 'ES256' })) as CryptoKey);
    }
    if (next.size === 0) throw new Error('the key set has no usable key');
    keys = next;
  };

  const fetchKeys = async () => {
    const set = await fetchFromAny(options.urls, options.identity);
    await take(set);
    if (options.file) await keep(options.file, set);
  };

  const refresh = (): Promise<void> => {
    fetching ??= fetchKeys()
      .then(() => schedule(refreshMs))
      .catch((error: unknown) => {
        options.log.warn(
          { err: error, kept: keys.size },
          'could not fetch the token keys; going on with those at hand',
        );
        schedule(RETRY_MS);
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  };

  const schedule = (ms: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void refresh(), ms).unref();
  };

  return {
    async start() {
      if (options.file)
        await readFile(options.file, 'utf8')
          .then((text) => take(JSON.parse(text)))
          .catch(() => {});
      await refresh();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    async find(keyId) {
      const known = keyId ? keys.get(keyId) : undefined;
      if (known) return known;
      // A fetch that has begun may bring the key: everyone who asks meanwhile waits for it.
      if (fetching) await fetching;
      else if (keyId && keyId.length <= 64 && performance.now() - lookedUpAt > UNKNOWN_ID_COOLDOWN_MS) {
        lookedUpAt = performance.now();
        await refresh();
      }
      const fetched = keyId ? keys.get(keyId) : undefined;
      if (fetched) return fetched;
      if (keys.size === 0) {
        throw new RpcError(Code.UNAVAILABLE, 'KEYS_UNAVAILABLE', 'tokens cannot be verified yet', {
          retryAfterMs: 1_000,
        });
      }
      throw new RpcError(Code.UNAUTHENTICATED, 'TOKEN_INVALID', 'the access token is not valid');
    },
    knows: (keyId) => keys.has(keyId),
    ready: () => keys.size > 0,
  };
}

/** The key set of the first that has one. Throws what the last said when none has. */
async function fetchFromAny(urls: readonly string[], identity: Identity | undefined): Promise<JSONWebKeySet> {
  let failure: unknown;
  for (const url of urls) {
    try {
      return JSON.parse(await read(url, identity)) as JSONWebKeySet;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function read(url: string, identity: Identity | undefined): Promise<string> {
  if (identity) return getOverTls(url, { identity, server: 'auth', timeoutMs: FETCH_TIMEOUT_MS });
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'error' });
  if (!response.ok) throw new Error(`the key set answered ${response.status}`);
  return response.text();
}

async function keep(file: string, set: JSONWebKeySet): Promise<void> {
  // Instances in containers may share a folder, and have the same number there.
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(set));
  await rename(temporary, file);
}
