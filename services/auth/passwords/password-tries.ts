import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  addressKey,
  type Charge,
  type LimitName,
  type LimitTable,
  type RateLimiter,
  rateLimited,
} from '@realchat/limits';

/** Who tries a password, and whose. */
export interface Trier {
  /** The name of the account as it was given; somebody may have it or not. */
  account: string;
  /** As the edge saw it. */
  address: string;
  /** A device on which the account was logged in before; undefined for a stranger. */
  knownDevice: string | undefined;
}

/** A try that has begun. */
export interface PasswordTry {
  /** It does not count: the password was right, or nobody looked at it. */
  takeBack(): Promise<void>;
}

/**
 * Slows down who guesses. Tries are counted by account and address: who guesses there locks out nobody elsewhere. When
 * many addresses try one account, each further try of a stranger waits first, and a device that the account knows does not.
 * An account that nobody has is counted in the same way.
 */
export interface PasswordTries {
  /** Counts a try, before the password is looked at. Throws RESOURCE_EXHAUSTED (RATE_LIMITED), and the signal's reason. */
  begin(trier: Trier, signal: AbortSignal, delayed: () => void): Promise<PasswordTry>;
}

/** What a stranger waits at an account that many try. */
const STRANGER_DELAY_MS = 3_000;
/** Each holds a call open; beyond it they are told to come back. */
const MOST_DELAYED = 500;

export function createPasswordTries(options: {
  limiter: RateLimiter;
  table: LimitTable;
  strangerDelayMs?: number | undefined;
}): PasswordTries {
  const { limiter, table } = options;
  const strangerDelayMs = options.strangerDelayMs ?? STRANGER_DELAY_MS;
  const charge = (name: LimitName, subject: string): Charge => ({ name, limit: table[name], subject });
  let waiting = 0;

  const wait = async (signal: AbortSignal): Promise<void> => {
    waiting += 1;
    await delay(strangerDelayMs, undefined, { signal }).finally(() => {
      waiting -= 1;
    });
  };

  return {
    async begin({ account, address, knownDevice }, signal, delayed) {
      const name = digestOf(account);
      const from = knownDevice === undefined ? addressKey(address) : `device ${digestOf(knownDevice)}`;
      const charges = [charge('login_account_address', `${name} ${from}`)] as const;
      const decision = await limiter.take(charges);
      if (!decision.allowed) throw rateLimited(decision);
      const counted: Charge[] = [...charges];
      if (knownDevice === undefined) {
        const strangers = [charge('login_account', name)] as const;
        const many = await limiter.take(strangers);
        if (many.allowed) counted.push(...strangers);
        else if (waiting >= MOST_DELAYED) throw rateLimited(many);
        else {
          delayed();
          await wait(signal);
        }
      }
      return { takeBack: () => limiter.giveBack(counted) };
    },
  };
}

/** Redis and its log have no names, and whatever somebody types is a key of one length. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
