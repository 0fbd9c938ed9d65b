import { refusalOf } from '@realchat/testkit';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';
import { toDate } from './time.ts';

let fixture: AuthFixture;

beforeAll(async () => {
  fixture = await startAuth();
});
afterAll(() => fixture.stop());

describe('Register', () => {
  test('makes an account with a first session whose tokens speak for it', async () => {
    const before = Date.now();
    const answer = await fixture.auth.register({ username: someUsername(), password: PASSWORD, deviceId: 'phone-1' });
    expect(answer.userId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(answer.deviceId).toBe('phone-1');

    expect(decodeProtectedHeader(answer.accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    const claims = decodeJwt(answer.accessToken);
    expect(claims).toMatchObject({
      iss: 'https://auth.realchat.local',
      aud: 'realchat',
      sub: answer.userId,
      did: 'phone-1',
      sid: expect.any(String),
      jti: expect.any(String),
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300);
    expect(toDate(answer.accessTokenExpireTime).getTime()).toBe((claims.exp ?? 0) * 1000);
    expect((claims.iat ?? 0) * 1000).toBeGreaterThan(before - 2_000);
    await fixture.auth.refreshSession({ refreshToken: answer.refreshToken });
  });

  test('makes a device id when none is given, another each time', async () => {
    const first = await fixture.auth.register({ username: someUsername(), password: PASSWORD });
    const second = await fixture.auth.register({ username: someUsername(), password: PASSWORD });
    expect(first.deviceId).toMatch(/^[A-Za-z0-9_.-]{16,64}$/);
    expect(second.deviceId).not.toBe(first.deviceId);
  });

  test('S-49: keeps the password as an argon2id hash with its parameters, and no token but as its hash', async () => {
    const { userId, accessToken, refreshToken } = await fixture.auth.register({
      username: someUsername(),
      password: PASSWORD,
    });
    const account = await fixture.db.query('select row_to_json(account) as row from account where user_id = $1', [
      userId,
    ]);
    const session = await fixture.db.query('select row_to_json(session) as row from session where user_id = $1', [
      userId,
    ]);
    expect(account.rows[0].row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(session.rows).toHaveLength(1);
    const stored = JSON.stringify([account.rows, session.rows]);
    const secrets = [
      PASSWORD,
      accessToken,
      refreshToken,
      Buffer.from(refreshToken, 'base64url').subarray(16, 48).toString('hex'),
    ];
    for (const secret of secrets) expect(stored).not.toContain(secret);
  });

  test('S-48: takes 15 and 128 characters, spaces, other scripts and a NUL, and tells them apart to the last', async () => {
    const passwords = [
      'kqzmwhvtplrxbnd',
      'ünïcödé 🦊 зелёный чай',
      'a NUL \0 in the middle of it',
      `${'otter drum '.repeat(11)}seven!!`,
    ];
    expect(passwords.at(-1)).toHaveLength(128);
    for (const password of passwords) {
      const username = someUsername();
      await fixture.auth.register({ username, password });
      await fixture.auth.login({ username, password });
      const other = `${password.slice(0, -1)}~`;
      expect(await refusalOf(fixture.auth.login({ username, password: other }))).toMatchObject({
        reason: 'BAD_CREDENTIALS',
      });
    }
  });

  test('S-48: refuses a common password, and one made of the username', async () => {
    const username = someUsername();
    for (const password of ['password12345678', 'qwertyuiopasdfgh', '111111111111111', username]) {
      expect(await refusalOf(fixture.auth.register({ username, password }))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'PASSWORD_TOO_COMMON',
        fields: ['password'],
      });
    }
  });

  test.each([
    ['username', 'too short', { username: 'ab' }],
    ['username', 'too long', { username: 'a'.repeat(33) }],
    ['username', 'empty', { username: '' }],
    ['username', 'upper case', { username: 'Marigold' }],
    ['username', 'a space', { username: 'mari gold' }],
    ['username', 'a leading dot', { username: '.marigold' }],
    ['username', 'a line break at the end', { username: 'marigold\n' }],
    ['username', 'a NUL', { username: 'mari\0gold' }],
    ['username', 'another script', { username: 'маrigold' }],
    ['username', 'SQL', { username: `x';drop table account;--` }],
    ['password', 'too short', { password: 'fourteen chars' }],
    ['password', 'too long', { password: 'x1!'.repeat(43) }],
    ['password', 'too many bytes', { password: `${'🦊'.repeat(128)}x` }],
    ['password', 'empty', { password: '' }],
    ['device_id', 'too long', { deviceId: 'd'.repeat(65) }],
    ['device_id', 'a space', { deviceId: 'my phone' }],
    ['device_id', 'a NUL', { deviceId: 'd\0' }],
  ])('refuses a wrong %s: %s', async (field, _what, wrong) => {
    const request = { username: someUsername(), password: PASSWORD, deviceId: 'phone', ...wrong };
    const refusal = await refusalOf(fixture.auth.register(request));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields: [field] });
  });

  test('names every wrong field at once', async () => {
    const refusal = await refusalOf(fixture.auth.register({ username: 'A', password: 'short', deviceId: '!' }));
    expect(refusal.fields.toSorted()).toEqual(['device_id', 'password', 'username']);
  });

  test('S-49: a password of a megabyte is refused before it is hashed', async () => {
    const before = await fixture.metric('realchat_password_hash_duration_seconds');
    const request = { username: someUsername(), password: 'x1!'.repeat(350_000) };
    for (const method of ['register', 'login'] as const)
      expect(await refusalOf(fixture.auth[method](request))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        fields: ['password'],
      });
    expect(await fixture.metric('realchat_password_hash_duration_seconds')).toBe(before);
  });

  test('a taken name is refused, and the account that has it is as it was', async () => {
    const username = someUsername();
    const owner = await fixture.auth.register({ username, password: PASSWORD });
    const refusal = await refusalOf(fixture.auth.register({ username, password: 'nine brave herons sing' }));
    expect(refusal).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'USERNAME_TAKEN' });
    expect((await fixture.auth.login({ username, password: PASSWORD })).userId).toBe(owner.userId);
  });

  test('of 20 who want one name at once, one gets it, with one account, one session and one event', async () => {
    const username = someUsername();
    const calls = Array.from({ length: 20 }, () => fixture.auth.register({ username, password: PASSWORD }));
    const outcomes = await Promise.allSettled(calls);
    const made = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value.userId);
    expect(made).toHaveLength(1);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected')
        expect(await refusalOf(calls[index] as Promise<unknown>)).toMatchObject({
          code: 'ALREADY_EXISTS',
          reason: 'USERNAME_TAKEN',
        });
    }
    const { rows } = await fixture.db.query(
      `select (select count(*) from account where username = $1) as accounts,
              (select count(*) from session where user_id = $2) as sessions,
              (select count(*) from account_event where user_id = $2) as events`,
      [username, made[0]],
    );
    expect(rows).toEqual([{ accounts: 1n, sessions: 1n, events: 1n }]);
  });
});
