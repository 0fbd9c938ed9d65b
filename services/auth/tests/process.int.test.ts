import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { createTestDatabase, kafkaBrokers, redisUrl, until } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { expect, test } from 'vitest';
import { migrations } from '../db/migrations/index.ts';
import { PASSWORD, SECRET, someUsername } from './auth-fixture.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

interface AuthProcess {
  child: ChildProcess;
  /** What it wrote so far. */
  output: () => string;
  exited: Promise<number | null>;
}

function startProcess(env: Record<string, string>): AuthProcess {
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, exited: once(child, 'close').then(([code]) => code as number | null) };
}

const MOST_LOGINS = 6;

test('S-71: without its secret the process does not start, and says what is missing before any port opens', async () => {
  const listen = '127.0.0.1:0';
  const { exited, output } = startProcess({
    GRPC_LISTEN: listen,
    INTERNAL_LISTEN: listen,
    JWKS_LISTEN: listen,
    OPS_LISTEN: 'nowhere',
    DATABASE_URL: 'postgres://auth@127.0.0.1:1/auth',
    KAFKA_BROKERS: '127.0.0.1:1',
    SIGNING_KEY_SECRET: 'short',
  });
  expect(await exited).toBe(78);
  expect(output()).toMatch(/SIGNING_KEY_SECRET/);
  expect(output()).toMatch(/OPS_LISTEN/);
  expect(output()).not.toContain('short');
});

test('SIGTERM under load: calls in flight are answered, later ones told to go elsewhere, and the exit is 0', async () => {
  const port = await freePort();
  const listen = '127.0.0.1:0';
  const { child, exited, output } = startProcess({
    GRPC_LISTEN: `127.0.0.1:${port}`,
    INTERNAL_LISTEN: listen,
    JWKS_LISTEN: listen,
    OPS_LISTEN: listen,
    DATABASE_URL: await createTestDatabase(migrations),
    KAFKA_BROKERS: kafkaBrokers(),
    SIGNING_KEY_SECRET: SECRET,
    REDIS_URL: redisUrl(),
  });
  await until('started', () => output().includes('"started"'), 20_000);
  const client = createTestClient(AuthService, port);
  const username = someUsername();
  await client.register({ username, password: PASSWORD });

  const codes: (number | undefined)[] = [];
  const running: Promise<void>[] = [];
  const sending = setInterval(() => {
    // Fewer at a time than one account has tries, however busy the machine is.
    if (running.length - codes.length >= MOST_LOGINS) return;
    const login = client.login({ username, password: PASSWORD });
    running.push(
      login.then(
        () => void codes.push(0),
        (error: { code: number }) => void codes.push(error.code),
      ),
    );
  }, 20);
  await until('logins are answered', () => codes.length > 10);
  child.kill('SIGTERM');
  expect(await exited).toBe(0);
  clearInterval(sending);
  await Promise.all(running);
  // 14: UNAVAILABLE, which a client may repeat elsewhere.
  expect(codes.filter((code) => code !== 0 && code !== 14)).toEqual([]);
  expect(codes.filter((code) => code === 14).length).toBeGreaterThan(0);
  const lines = output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  expect(lines.at(-1)).toMatchObject({ message: 'stopped' });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
