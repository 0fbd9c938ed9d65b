import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { createWebSocketTransport, type SessionClosed } from '@realchat/client';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import type { Frame } from '@realchat/gen/realchat/transport/v1/frames';
import { until } from '@realchat/testkit';
import { AUDIENCE, ISSUER } from '@realchat/testkit/token-issuer';
import { expect, test } from 'vitest';
import { EchoService } from './echo-service.ts';
import { rawClient, unaryCall } from './raw-client.ts';
import { startGateway } from './start-gateway.ts';

const HANG = Buffer.from('0a0468616e67', 'hex');

test('a gateway that stops is not ready, sends every socket elsewhere and lets unary calls finish', async () => {
  const mesh = await startGateway();
  const closed: SessionClosed[] = [];
  const drained: number[] = [];
  const transport = createWebSocketTransport({
    url: mesh.webSocketUrl,
    token: () => mesh.token,
    onClosed: (event) => void closed.push(event),
    onDraining: (afterMs) => void drained.push(afterMs),
  });
  const echo = createClient(EchoService, transport);
  const controller = new AbortController();
  const unary = echo
    .unary({ text: 'hang' }, { signal: controller.signal })
    .catch((error: unknown) => ConnectError.from(error));
  const streaming = (async () => {
    for await (const _ of echo.serverStream({ text: 'hang' }));
  })().catch((error: unknown) => ConnectError.from(error));
  await until('both calls arrive', () => mesh.echo.calls.length === 2);
  expect((await fetch(`${mesh.ops}/readyz`)).status).toBe(200);

  const stopped = mesh.stopGateway();
  expect(await (await fetch(`${mesh.ops}/readyz`)).text()).toContain('stopping');
  const health = await fetch(`${mesh.http}/healthz`);
  expect([health.status, await health.text()]).toEqual([503, 'stopping\n']);
  // Until balancers have seen that, it serves as before.
  expect((await echo.unary({ text: 'hello' })).text).toBe('hello');
  await until('the drain arrives', () => drained.length === 1, 6_000);
  expect(drained[0]).toBe(0);
  // The unary call holds the socket open, past the moment at which it is left otherwise.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect([closed, mesh.echo.calls.slice(0, 2).map(({ cancelled }) => cancelled)]).toEqual([[], [false, false]]);
  controller.abort();
  await unary;
  expect((await streaming)?.code).toBe(Code.Unavailable);
  await stopped;
  expect(closed.map(({ code, after }) => [code, after])).toEqual([[1012, 'reconnect']]);
  await mesh.stop();
});

test('sockets are sent elsewhere one by one over three seconds, and each is served until then', async () => {
  const mesh = await startGateway();
  const clients = await Promise.all(Array.from({ length: 16 }, () => rawClient(mesh.webSocketUrl)));
  await Promise.all(clients.map(async (client) => client.hello(await mesh.issuer.sign({ sub: randomUUID() }))));
  const closings = clients.map(async (client) => ({ ...(await client.closed), at: performance.now() }));
  const stopped = mesh.stopGateway();
  await Promise.race(closings);
  const open = clients.filter(({ socket, frames }) => socket.readyState === socket.OPEN && !wasSentAway(frames));
  expect(open.length, 'not all at once').toBeGreaterThan(4);
  for (const client of open) client.send(...unaryCall(1, '/realchat.test.v1.EchoService/Unary'));
  const answers = await Promise.all(open.map(async (client) => (await client.heard('end', 1)).status?.code ?? 0));
  // The moment of one or the other comes while its call is on its way.
  expect(answers.filter((code) => code === 0).length).toBeGreaterThanOrEqual(open.length / 2);
  const closed = await Promise.all(closings);
  await stopped;
  expect(closed.map(({ code }) => code)).toEqual(clients.map(() => 1012));
  for (const { frames } of clients) expect(wasSentAway(frames)).toBe(true);
  const times = closed.map(({ at }) => at).sort((a, b) => a - b);
  const overMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  // Sixteen moments at random in three seconds: these limits are missed once in ten million runs.
  expect(overMs).toBeGreaterThan(1_000);
  expect(overMs).toBeLessThan(3_000 + 1_000);
  const half = (times[7] ?? 0) - (times[0] ?? 0);
  expect(half, 'no half of them at once').toBeGreaterThan(150);
  await mesh.stop();
});

function wasSentAway(frames: readonly Frame[]): boolean {
  return frames.some(({ kind }) => kind.case === 'drain');
}

test('a call that crosses the drain on its way is refused unbegun, and says so', async () => {
  const mesh = await startGateway();
  const client = await rawClient(mesh.webSocketUrl);
  await client.hello(mesh.token);
  client.send(...unaryCall(1, '/realchat.test.v1.EchoService/Unary', HANG));
  await until('the call arrives', () => mesh.echo.calls.length === 1);
  const stopped = mesh.stopGateway();
  await client.heard('drain');
  client.send(...unaryCall(3, '/realchat.test.v1.EchoService/Unary'));
  expect((await client.heard('end', 3)).status?.code).toBe(Code.Unavailable);
  expect(mesh.echo.calls.length).toBe(1);
  client.send({ call: 1, kind: { case: 'cancel', value: {} } });
  expect((await client.closed).code).toBe(1012);
  await stopped;
  await mesh.stop();
});

test('a stream over Connect ends with UNAVAILABLE at once', async () => {
  const mesh = await startGateway();
  const echo = createClient(EchoService, createConnectTransport({ baseUrl: mesh.h2c, httpVersion: '2' }));
  const stream = (async () => {
    for await (const _ of echo.serverStream({ text: 'hang' }, { headers: { authorization: `Bearer ${mesh.token}` } }));
  })().catch((error: unknown) => ConnectError.from(error));
  await until('the call arrives', () => mesh.echo.calls.length === 1);
  const begun = performance.now();
  const stopped = mesh.stopGateway();
  const error = await stream;
  expect([error?.code, error?.findDetails(ErrorInfoSchema)[0]?.reason]).toEqual([Code.Unavailable, 'DRAINING']);
  await stopped;
  expect(performance.now() - begun).toBeLessThan(5_000);
  await mesh.stop();
});

test('the process starts with nothing behind it, says that it is not ready, and ends with 0 on SIGTERM', async () => {
  const issuer = {
    REDIS_URL: 'redis://127.0.0.1:9',
    JWKS_URL: 'http://127.0.0.1:9/jwks',
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
  };
  const nowhere = Object.fromEntries(
    ['AUTH', 'PROFILE', 'MESSAGING', 'DELIVERY', 'OPERATIONS'].map((name) => [`${name}_ADDRESS`, '127.0.0.1:9']),
  );
  const child = spawn(process.execPath, [fileURLToPath(new URL('../main.ts', import.meta.url))], {
    env: {
      ...issuer,
      ...nowhere,
      HTTP_LISTEN: '127.0.0.1:0',
      H2C_LISTEN: '127.0.0.1:0',
      RATE_LIMIT_LISTEN: '127.0.0.1:0',
      OPS_LISTEN: '127.0.0.1:0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = '';
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString();
  });
  await until('it has started', () => lines.includes('"started"'));
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  for (const line of lines.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ service: 'gateway' });
});
