import { randomUUID } from 'node:crypto';
import { refusalOf } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuthFixture, PASSWORD, someUsername, startAuth } from './auth-fixture.ts';

let fixture: AuthFixture;
let known: string;

beforeAll(async () => {
  fixture = await startAuth();
  known = (await fixture.auth.register({ username: someUsername(), password: PASSWORD })).userId;
});
afterAll(() => fixture.stop());

describe('FindMissingAccounts', () => {
  test('answers those that no account has, in the order and the spelling of the request', async () => {
    const [one, two] = [randomUUID(), randomUUID().toUpperCase()];
    const { missingUserIds } = await fixture.accounts.findMissingAccounts({ userIds: [two, known, one] });
    expect(missingUserIds).toEqual([two, one]);
  });

  test('answers nothing when all exist, a thousand times over', async () => {
    const { missingUserIds } = await fixture.accounts.findMissingAccounts({ userIds: Array(1_000).fill(known) });
    expect(missingUserIds).toEqual([]);
  });

  test.each([
    ['none', [], 'user_ids'],
    ['too many', Array(1_001).fill(randomUUID()), 'user_ids'],
    ['no UUID', ['marigold'], 'user_ids[0]'],
    ['a NUL', [randomUUID(), '\0'], 'user_ids[1]'],
  ])('refuses %s', async (_what, userIds, field) => {
    expect(await refusalOf(fixture.accounts.findMissingAccounts({ userIds }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: [field],
    });
  });

  test('is not served to the edge, nor AuthService to the mesh', async () => {
    const swapped = fixture.swappedClients();
    expect(await refusalOf(swapped.accounts.findMissingAccounts({ userIds: [known] }))).toMatchObject({
      code: 'UNIMPLEMENTED',
    });
    expect(await refusalOf(swapped.auth.logout({ refreshToken: 'x' }))).toMatchObject({ code: 'UNIMPLEMENTED' });
    swapped.auth.close();
    swapped.accounts.close();
  });
});
