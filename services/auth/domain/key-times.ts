import { ACCESS_TOKEN_MAX_SECONDS } from '@realchat/rpc';

const MINUTE_MS = 60_000;

/** When signing keys change, in milliseconds. The next key is made, and published, when the one before it begins to sign. */
export interface KeyTimes {
  /** How long a key signs. */
  periodMs: number;
  /** After being published for so long, a key is known to every verifier that auth could reach. */
  knownMs: number;
  /** So long after another one has begun to sign, a key is published still: until its last token is over. */
  retireMs: number;
  /** How often each instance reads the keys. */
  reloadMs: number;
}

/** The times of a deployment whose keys sign for so many days. */
export function keyTimes(days: number): KeyTimes {
  return {
    periodMs: days * 24 * 60 * MINUTE_MS,
    // Envoy keeps the keys for 5 minutes and the services for one; each instance of auth learns of a new one after 15 s.
    knownMs: 10 * MINUTE_MS,
    retireMs: ACCESS_TOKEN_MAX_SECONDS * 1_000 + 2 * MINUTE_MS,
    reloadMs: MINUTE_MS / 4,
  };
}
