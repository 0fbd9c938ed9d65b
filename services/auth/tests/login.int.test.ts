import { Registry } from '@realchat/telemetry';
import { refusalOf, until } from '@realchat/testkit';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPasswordHasher } from '../passwords/password-hasher.ts';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

const SAMPLES = 500;

let fixture: AuthFixture;
let username: string;
let userId: string;

beforeAll(async () => {
  // Raised for those who log in hundreds of times from one address; what the limits do is in password-tries.int.test.ts.
  fixture = await startAuth({ RATE_LIMITS: '{"*": 1000}' });
  username = someUsername();
  userId = (await fixture.auth.register({ username, password: PASSWORD })).userId;
});
afterAll(() => fixture.stop());

describe('Login', () => {
  test('opens a session of its own each time, on the device that was named', async () => {
    const first = await fixture.auth.login({ username, password: PASSWORD, deviceId: 'laptop' });
    const second = await fixture.auth.login({ username, password: PASSWORD, deviceId: 'laptop' });
    expect([first.userId, second.userId]).toEqual([userId, userId]);
    expect(decodeJwt(first.accessToken)).toMatchObject({ sub: userId, did: 'laptop' });
    expect(decodeJwt(first.accessToken)['sid']).not.toBe(decodeJwt(second.accessToken)['sid']);
    expect(decodeJwt(first.accessToken).jti).not.toBe(decodeJwt(second.accessToken).jti);
  });

  test('S-47: an unknown name, a wrong password and a name that cannot be are refused in the same words', async () => {
    const wrong = await refusalOf(fixture.auth.login({ username, password: 'nine brave herons sing' }));
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'BAD_CREDENTIALS', fields: [] });
    for (const name of [
      someUsername(),
      'Marigold',
      'a',
      'mari\0gold',
      `' or 1=1 --`,
      username.toUpperCase(),
      `${username} `,
    ])
      expect(await refusalOf(fixture.auth.login({ username: name, password: PASSWORD }))).toEqual(wrong);
  });

  test('S-47: an unknown name takes as long as a wrong password', { timeout: 120_000 }, async () => {
    const timed = async (name: string) => {
      const begin = performance.now();
      await refusalOf(fixture.auth.login({ username: name, password: 'nine brave herons sing' }));
      return performance.now() - begin;
    };
    const [known, unknown]: [number[], number[]] = [[], []];
    for (let round = 0; round < SAMPLES; round++) {
      known.push(await timed(username));
      unknown.push(await timed(someUsername()));
    }
    const [a, b] = [median(known), median(unknown)];
    process.stdout.write(
      `login refused: known name ${a.toFixed(1)} ms, unknown name ${b.toFixed(1)} ms (medians of ${SAMPLES})\n`,
    );
    // Without the hash of an unknown name's password it would be a tenth.
    expect(Math.max(a, b)).toBeLessThan(2 * Math.min(a, b));
    // The ranges overlap both ways: a single sample tells nothing.
    expect(quantile(known, 0.1)).toBeLessThan(quantile(unknown, 0.9));
    expect(quantile(unknown, 0.1)).toBeLessThan(quantile(known, 0.9));
  });

  test.each([
    ['username', { username: '' }],
    ['username', { username: 'a'.repeat(33) }],
    ['password', { password: '' }],
    ['password', { password: 'x1!'.repeat(43) }],
    ['device_id', { deviceId: 'd'.repeat(65) }],
    ['device_id', { deviceId: 'a/b' }],
  ])('refuses a wrong %s: %j', async (field, wrong) => {
    const refusal = await refusalOf(fixture.auth.login({ username, password: PASSWORD, deviceId: 'phone', ...wrong }));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields: [field] });
  });

  test('S-49: a hash of other parameters still lets its owner in, and is renewed by that', async () => {
    const weaker = createPasswordHasher({
      maxWaiting: 1,
      metrics: new Registry(),
      parameters: { memoryCost: 8_192, timeCost: 1, parallelism: 1 },
    });
    const name = someUsername();
    const account = await fixture.auth.register({ username: name, password: PASSWORD });
    const old = await weaker.hash(PASSWORD);
    await fixture.db.query('update account set password_hash = $2 where user_id = $1', [account.userId, old]);

    await refusalOf(fixture.auth.login({ username: name, password: 'nine brave herons sing' }));
    expect(await storedHash(account.userId)).toBe(old);
    await fixture.auth.login({ username: name, password: PASSWORD });
    expect(await storedHash(account.userId)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await fixture.auth.login({ username: name, password: PASSWORD });
  });

  test('S-50: of 300 logins at once, those beyond the queue are told when to come back, and a refresh is not held up', async () => {
    const { refreshToken } = await fixture.auth.login({ username, password: PASSWORD });
    const logins = Array.from({ length: 300 }, () => fixture.auth.login({ username, password: PASSWORD }));
    const settled = Promise.allSettled(logins);
    await until('the queue is full', async () => (await fixture.metric('realchat_password_hashes_waiting')) > 50);

    const begin = performance.now();
    await fixture.auth.refreshSession({ refreshToken });
    const refreshMs = performance.now() - begin;
    const stillWaiting = await fixture.metric('realchat_password_hashes_waiting');

    const outcomes = await settled;
    const refused = logins.filter((_login, index) => outcomes[index]?.status === 'rejected');
    expect(refused.length).toBeGreaterThan(100);
    for (const login of refused) {
      const refusal = await refusalOf(login);
      expect(refusal).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'LOGIN_QUEUE_FULL' });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
    }
    process.stdout.write(
      `300 logins at once: ${300 - refused.length} let in; a refresh meanwhile took ${refreshMs.toFixed(0)} ms\n`,
    );
    expect(stillWaiting).toBeGreaterThan(0);
  });
});

async function storedHash(id: string): Promise<string> {
  const { rows } = await fixture.db.query<{ password_hash: string }>(
    'select password_hash from account where user_id = $1',
    [id],
  );
  return rows[0]?.password_hash ?? '';
}

function median(samples: number[]): number {
  return quantile(samples, 0.5);
}

function quantile(samples: number[], q: number): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * q)] as number;
}
