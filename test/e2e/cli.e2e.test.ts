import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createRealChat } from '@realchat/client';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPassword, newUsername } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';

const MAIN = new URL('../../clients/cli/main.ts', import.meta.url).pathname;
const SENDS = 250;
const PATIENCE_MS = 60_000;

const mesh = useMesh();
const children = new Set<ChildProcess>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'realchat-cli-e2e-'));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  /** The lines of stdout, read as JSON. */
  data: Record<string, string>[];
  stderr: string;
}

interface Running {
  readonly data: Record<string, string>[];
  /** What stderr has said so far. */
  notes(): string;
  readonly ended: Promise<Ended>;
  interrupt(): void;
}

/** A person at a terminal: has a name, a password, and a folder for the session. */
class Person {
  readonly username = newUsername();
  readonly password = newPassword();

  /** Starts `realchat … --json` as a process of its own. */
  start(...args: string[]): Running {
    const env = {
      PATH: process.env['PATH'],
      XDG_CONFIG_HOME: join(folder, this.username),
      REALCHAT_URL: mesh().tls,
      NODE_EXTRA_CA_CERTS: mesh().certificateAuthorityFile,
      REALCHAT_PASSWORD: this.password,
    };
    const child = spawn(process.execPath, [MAIN, ...args, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    const data: Record<string, string>[] = [];
    let stderr = '';
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => data.push(JSON.parse(line) as Record<string, string>));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (code) => {
        children.delete(child);
        resolve({ code, data, stderr });
      }),
    );
    return { data, notes: () => stderr, ended, interrupt: () => child.kill('SIGINT') };
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** Runs what must do. Answers its first line. */
  async does(...args: string[]): Promise<Record<string, string>> {
    const { code, data, stderr } = await this.run(...args);
    expect(code, stderr).toBe(0);
    return data[0] ?? {};
  }
}

test('register, create, send, conversations, login and logout do what they say, in JSON and exit codes', async () => {
  const [ada, bob, stranger] = [new Person(), new Person(), new Person()];
  await Promise.all([ada, bob, stranger].map((each) => each.does('register', each.username)));
  const { conversationId = '' } = await ada.does('create', '--direct', bob.username);
  expect(await ada.does('send', conversationId, 'hello', '--id', 'once')).toMatchObject({ seq: '2', text: 'hello' });
  expect(await ada.does('send', conversationId, 'hello', '--id', 'once')).toMatchObject({ seq: '2' });
  const listed = { conversationId, kind: 'direct', peerUsername: ada.username, lastSeq: '2', unreadCount: '1' };
  expect(await bob.does('conversations')).toMatchObject(listed);
  const { conversationId: group = '' } = await ada.does('create', '--title', 'Team', bob.username);
  expect(group).not.toBe(conversationId);

  const codes = async (...runs: Promise<Ended>[]) => (await Promise.all(runs)).map(({ code }) => code);
  expect(
    await codes(
      stranger.run('send', conversationId, 'let me in'),
      ada.run('register', ada.username),
      ada.run('create', '--direct', `${newUsername()}x`),
    ),
  ).toEqual([1, 1, 1]);
  expect((await bob.run('logout')).code).toBe(0);
  expect((await bob.run('conversations')).code).toBe(4);
  const { userId } = await bob.does('login', bob.username);
  expect(userId).toMatch(/^[0-9a-f-]{36}$/);
});

test('tail goes on over kill -9 of gateway and delivery, and over its own end: nothing lost, nothing twice', async () => {
  const bob = new Person();
  await bob.does('register', bob.username);
  const ada = createRealChat({ url: mesh().tls });
  await ada.register({ username: newUsername(), password: newPassword() });
  const { conversationId } = await ada.openDirect(bob.username);
  const confirmed: string[] = [];
  ada.on('confirmed', ({ content }) => confirmed.push(content.value ?? ''));
  let tail = bob.start('tail', conversationId);
  await until('it is live', () => tail.notes().includes('live'), PATIENCE_MS);
  await ada.send(conversationId, 'begin');
  await until('it hears', () => tail.data.length === 1, PATIENCE_MS);

  const told: string[] = [];
  const texts = Array.from({ length: SENDS }, (_, index) => `${index} ${randomUUID()}`);
  for (const [index, text] of texts.entries()) {
    if (index === 50) await killHard('gateway');
    if (index === 100) await killHard('delivery');
    if (index === 150) {
      await until('it has told some after the kills', () => tail.data.length > 50, PATIENCE_MS);
      tail.interrupt();
      told.push(...(await tail.ended).data.map((each) => each['text'] ?? ''));
      expect((await tail.ended).code).toBe(0);
    }
    if (index === 200) tail = bob.start('tail', conversationId);
    await ada.send(conversationId, text);
    await until('it is durable', () => confirmed.includes(text), PATIENCE_MS);
  }
  await until('all is told', () => told.length + tail.data.length > SENDS, PATIENCE_MS).catch(() => {
    // The comparison tells better what is missing.
  });
  tail.interrupt();
  expect((await tail.ended).code).toBe(0);
  expect([...told, ...tail.data.map((each) => each['text'])]).toEqual(['begin', ...texts]);
  await ada.close();
});

async function killHard(name: 'gateway' | 'delivery'): Promise<void> {
  const managed = mesh().stack.process(name);
  await managed.kill('SIGKILL');
  await managed.waitReady();
}

test('send says that it does not know when the server is silent, and the same key sends it once', async () => {
  const ada = new Person();
  await ada.does('register', ada.username);
  const { conversationId = '' } = await ada.does('create', '--title', 'Notes');
  const messaging = mesh().stack.process('messaging');
  messaging.pause();
  const unknown = await ada.run('send', conversationId, 'perhaps', '--id', 'again', '--timeout', '3');
  messaging.resume();
  expect([unknown.code, unknown.data]).toEqual([3, []]);
  expect(unknown.stderr).toContain('--id again');
  expect(await ada.does('send', conversationId, 'perhaps', '--id', 'again')).toMatchObject({ seq: '2' });
});
