import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONVERSATION_EVENTS } from '@realchat/eventlog';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { whenCounted } from './support/activity-store.ts';
import { inDatabase } from './support/database.ts';
import { useMesh } from './support/mesh.ts';
import { loginAsNobody, makeOperator } from './support/operator.ts';
import { jsonLines, type RunningCommand, realchat, realchatJson, startRealchat } from './support/realchat.ts';

/** In each conversation. */
const SAID = 3;

const mesh = useMesh();
const folder = mkdtempSync(join(tmpdir(), 'realchat-dlq-'));
let sender: User;
let reader: User;
let watch: RunningCommand;

beforeAll(async () => {
  await loginAsNobody(mesh(), folder);
  await makeOperator(mesh(), folder);
  [sender, reader] = await Promise.all([newUser(), newUser()]);
});
afterAll(async () => {
  watch?.interrupt();
  await Promise.all([sender?.close(), reader?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function newUser(): Promise<User> {
  const user = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  await user.register(newUsername(), newPassword());
  return user;
}

const dlq = (...args: string[]) => realchatJson(mesh(), folder, ['dlq', ...args]);

test('what a bug sets aside in one conversation is replayed after its mend: counted whole, in order, and shown to nobody twice', async () => {
  const members = [reader.userId];
  const sick = await sender.createConversation({ title: 'sick', members });
  const sound = await sender.createConversation({ title: 'sound', members });
  const stream = await reader.subscribe();
  // Else the creation, which is an event of its key, would be a dead letter too.
  await until('both conversations are known to the reader', async () => (await knownOf([sick, sound])) === 2, 30_000);
  watch = startRealchat(mesh(), folder, ['dlq', 'watch', '--key', sick, '--json']);
  await until('it is watched', async () => (await watches()) === 1, 30_000);
  await inDatabase(
    mesh(),
    'operations',
    `create function fail_on_one() returns trigger language plpgsql as $$
     begin if new.conversation_id = '${sick}' then raise exception 'a bug that shows with one key'; end if; return new; end $$`,
  );
  await inDatabase(
    mesh(),
    'operations',
    'create trigger fail_on_one before update on activity_counted for each row execute function fail_on_one()',
  );
  const said: string[] = [];
  for (let i = 0; i < SAID; i++) {
    for (const conversation of [sick, sound]) said.push((await sender.send(conversation, `message ${i}`)).messageId);
  }
  const ofTheSick = ['list', '--state', 'open', '--key', sick];
  const letters = await until(
    'each is a dead letter',
    async () => {
      const found = await dlq(...ofTheSick);
      return found.length === SAID && found;
    },
    60_000,
  );
  expect(letters.every(({ readers }) => String(readers) === 'operations.activity')).toBe(true);
  await until('who is sound is counted', async () => (await countedIn(sound)) === SAID, 30_000);
  expect(await countedIn(sick)).toBe(0);

  const [, second = '', ...later] = letters.map(({ deadLetterId }) => String(deadLetterId)).toSorted(byOffset);
  const { errorClass, topic, dead } = await filtered(sick, String(letters[0]?.['errorClass']));
  expect([errorClass, topic, dead]).toEqual([SAID, SAID, 0]);
  expect(await realchat(mesh(), folder, ['dlq', 'replay', second, ...later])).toMatchObject({ exitCode: 1 });
  expect(await realchat(mesh(), folder, ['dlq', 'replay', `${CONVERSATION_EVENTS.name}/0/999999999`])).toMatchObject({
    exitCode: 1,
    stdout: '',
  });
  const dry = await dlq('replay', '--all', '--key', sick, '--dry-run');
  expect(dry.map(({ result }) => result)).toEqual(Array(SAID).fill('would-replay'));
  expect(await dlq(...ofTheSick)).toHaveLength(SAID);

  await until('each was told to who watches', () => statesTold(watch).length === SAID, 30_000);
  expect(statesTold(watch)).toEqual(Array(SAID).fill('open'));
  await mesh().stack.process('operations').restart();
  await until('it is watched again', async () => (await watches()) >= 2, 30_000);
  expect(watch.stderr()).toContain('Watching again');

  await inDatabase(mesh(), 'operations', 'drop function fail_on_one cascade');
  const replayed = await dlq('replay', '--all', '--key', sick);
  expect(replayed.map(({ result, order }) => [result, order])).toEqual(Array(SAID).fill(['replayed', 'kept']));
  await until('all is counted', async () => (await countedIn(sick)) === SAID, 30_000);
  expect(await dlq(...ofTheSick)).toEqual([]);
  await until(
    'each change was told to who watches',
    () => statesTold(watch).filter((state) => state === 'replayed').length === SAID,
    30_000,
  );
  watch.interrupt();
  expect(await watch.ended).toMatchObject({ exitCode: 0 });
  // Whoever pushes to devices has read them a second time by now: what is said next comes after them.
  said.push((await sender.send(sick, 'after all')).messageId);
  await until('all is shown', () => stream.messages.some(({ messageId }) => messageId === said.at(-1)));
  const shown = stream.messages.map(({ messageId }) => messageId);
  expect(shown.toSorted()).toEqual(said.toSorted());
});

/** How often a watch was opened. */
async function watches(): Promise<number> {
  return (await inDatabase(mesh(), 'operations', "select from operator_action where action = 'watch'")).length;
}

const statesTold = ({ stdout }: RunningCommand) => jsonLines(stdout()).map(({ state }) => state);

/** How many dead letters of a conversation each filter of `dlq list` leaves. */
async function filtered(key: string, ofClass: string) {
  const count = async (...options: string[]) => (await dlq('list', '--key', key, ...options)).length;
  return {
    errorClass: await count('--class', ofClass, '--since', '2020-01-01T00:00:00Z'),
    topic: await count('--topic', CONVERSATION_EVENTS.name),
    dead: (await count('--class', 'NONE_OF_THESE')) + (await count('--until', '2020-01-01T00:00:00Z')),
  };
}

function byOffset(one: string, other: string): number {
  return Number(one.split('/').at(-1)) - Number(other.split('/').at(-1));
}

async function knownOf(conversations: string[]): Promise<number> {
  const counted = 'select from activity_counted where conversation_id = any($1::uuid[]) and seq > 0';
  return (await inDatabase(mesh(), 'operations', counted, [conversations])).length;
}

async function countedIn(conversation: string): Promise<number> {
  const counted = await whenCounted(mesh(), 0, 1_000);
  return counted.filter((row) => row.conversation === conversation).reduce((sum, { messages }) => sum + messages, 0);
}
