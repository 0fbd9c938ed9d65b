import { randomUUID } from 'node:crypto';
import { ACCOUNT_EVENTS, DEAD_LETTER, deadLetterTopicOf, type EventRecord } from '@realchat/eventlog';
import { SessionEndReason } from '@realchat/gen/realchat/auth/v1/account_event';
import { startKafka, type TestKafka, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ProfileFixture, registration, someAccount, startProfile } from './profile-fixture.ts';

let kafka: TestKafka;
let fixture: ProfileFixture;
const deadLetters: EventRecord[] = [];

beforeAll(async () => {
  kafka = await startKafka();
  fixture = await startProfile(kafka.broker);
  fixture.eventLog.consume({
    group: `test-${randomUUID()}`,
    topic: deadLetterTopicOf(ACCOUNT_EVENTS.name),
    eachRecord: (record) => Promise.resolve(void deadLetters.push(record)),
  });
});
afterAll(async () => {
  await fixture.stop();
  await kafka.stop();
});

async function profileOf(userId: string): Promise<{ username: string; account_position: bigint } | undefined> {
  const { rows } = await fixture.db.query('select username, account_position from profile where user_id = $1', [
    userId,
  ]);
  return rows[0];
}

const outcomes = (outcome: string) => fixture.metric('realchat_profile_account_events_total', { outcome });

test('a registration makes a profile, within 2 s, in the trace of its call', async () => {
  const account = someAccount();
  await fixture.publish(account.userId, registration(account));
  await until('the profile is made', () => profileOf(account.userId), 2_000);
  const line = await until('the line', () => fixture.lines.find(({ user_id }) => user_id === account.userId));
  expect(line).toMatchObject({ event: 'profile_made', trace_id: '0af7651916cd43dd8448eb211c80319c' });
});

test('an event that comes again changes nothing, and one that is older does not either', async () => {
  const account = someAccount();
  const [newer, older] = [
    registration(account, 9n),
    registration({ ...account, username: someAccount().username }, 4n),
  ];
  await fixture.publish(account.userId, newer);
  await until('the profile is made', () => profileOf(account.userId));
  await fixture.db.query('update profile set display_name = $2 where user_id = $1', [account.userId, 'Marigold']);
  const before = await outcomes('repeated');
  await fixture.publish(account.userId, newer, older, newer);
  await until('all three are seen', async () => (await outcomes('repeated')) === before + 3);
  const { rows } = await fixture.db.query(
    'select username, display_name, account_position from profile where user_id = $1',
    [account.userId],
  );
  expect(rows).toEqual([{ username: account.username, display_name: 'Marigold', account_position: 9n }]);
});

test('what says nothing about profiles, or comes from a newer schema, is passed over', async () => {
  const account = someAccount();
  const ended = {
    sessionId: randomUUID(),
    reason: SessionEndReason.LOGOUT,
    $typeName: 'realchat.auth.v1.SessionEnded',
  } as const;
  const { change: _change, ...unknown } = registration(account, 2n);
  const before = await outcomes('skipped');
  await fixture.publish(
    account.userId,
    { ...registration(account), change: { case: 'sessionEnded', value: ended } },
    unknown,
  );
  await until('both are seen', async () => (await outcomes('skipped')) >= before + 2);
  expect(await profileOf(account.userId)).toBeUndefined();
});

test('a record that cannot be read goes to the dead letters, and the next of its partition goes on', async () => {
  const taken = someAccount();
  await fixture.publish(taken.userId, registration(taken));
  await until('the name is taken', () => profileOf(taken.userId));
  const key = randomUUID();
  const { createTime: _createTime, ...timeless } = registration(someAccount());
  const poison = [
    Buffer.from('not an event'),
    Buffer.alloc(0),
    { ...registration(someAccount()), userId: 'marigold' },
    { ...registration(someAccount()), position: 0n },
    timeless,
    registration({ ...someAccount(), username: '' }),
    registration({ ...someAccount(), username: 'nul\0' }),
    registration({ ...someAccount(), username: taken.username }),
  ];
  const next = someAccount();
  await fixture.publish(key, ...poison, registration(next));
  await until('the next profile is made', () => profileOf(next.userId), 20_000);

  await until('all letters are there', () => deadLetters.length >= poison.length);
  expect(deadLetters.map(({ headers }) => headers.text(DEAD_LETTER.errorReason))).toEqual([
    'UNDECODABLE',
    'EMPTY_VALUE',
    ...Array(5).fill('INVALID_EVENT'),
    'USERNAME_CONFLICT',
  ]);
  for (const { headers } of deadLetters) {
    expect(headers.text(DEAD_LETTER.reader)).toBe('profile');
    expect(headers.text(DEAD_LETTER.key)).toBe(key);
  }
  const { rowCount } = await fixture.db.query('select 1 from profile where username = $1', [taken.username]);
  expect(rowCount).toBe(1);
});
