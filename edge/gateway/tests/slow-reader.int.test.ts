import { create, toBinary } from '@bufbuild/protobuf';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoSchema } from './echo-service.ts';
import { type RawClient, rawClient, unaryCall } from './raw-client.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

const MIB = 1024 * 1024;
const SERVER_STREAM = '/realchat.test.v1.EchoService/ServerStream';
const ECHO = '/realchat.test.v1.EchoService/Unary';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway({ patience: { stalledMs: 1_500 } });
});
afterAll(() => mesh.stop());

/** Opens floods of 10 KiB messages, and grants them credit without end if `generous`. */
async function flooded(calls: number, generous: boolean): Promise<RawClient> {
  const client = await rawClient(mesh.webSocketUrl);
  await client.hello(mesh.token);
  const request = toBinary(EchoSchema, create(EchoSchema, { text: 'flood', data: new Uint8Array(10 * 1024) }));
  for (let index = 0; index < calls; index++) {
    const call = 2 * index + 1;
    client.send(...unaryCall(call, SERVER_STREAM, request));
    if (generous) client.send({ call, kind: { case: 'credit', value: { bytes: 2 ** 31 - 1 } } });
  }
  return client;
}

const written = (since: number): number =>
  mesh.echo.calls.slice(since).reduce((sum, { written: messages }) => sum + messages * 10 * 1024, 0);

/** Waits until a number stays the same for a while, and returns it. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  let since = performance.now();
  return await until('it stays the same', () => {
    const now = read();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 500 && { value: now };
  }).then(({ value }) => value);
}

test('a client that does not read its socket stops its backends, and is closed with 4008, with flat memory', async () => {
  const since = mesh.echo.calls.length;
  const before = process.memoryUsage().rss;
  const client = await flooded(8, true);
  client.socket.pause();
  await until('the calls arrive', () => mesh.echo.calls.length === since + 8);
  // What is on its way: buffers of the two sockets, of HTTP/2 and of the gateway. Without back-pressure it has no end.
  const bytes = await settled(() => written(since));
  expect(bytes).toBeLessThan(40 * MIB);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB);
  await until('the backends are told', () => mesh.echo.calls.slice(since).every(({ cancelled }) => cancelled));
  client.socket.resume();
  const { code } = await client.closed;
  // The close frame comes behind what was not read, unless the socket was cut before.
  expect([4008, 1006]).toContain(code);
  await until('the close is counted', async () => (await closesWith(4008)) === 1);
});

async function closesWith(code: number): Promise<number> {
  const metric = await mesh.telemetry.metrics.getSingleMetric('realchat_gateway_socket_closes_total')?.get();
  return metric?.values.find(({ labels }) => labels['code'] === String(code))?.value ?? 0;
}

test('a call whose reader gives no credit stops its backend, and others of the same socket go on', async () => {
  const since = mesh.echo.calls.length;
  const client = await flooded(1, false);
  await until('the call arrives', () => mesh.echo.calls.length === since + 1);
  const bytes = await settled(() => written(since));
  expect(bytes).toBeLessThan(4 * MIB);
  const got = (): number => client.frames.filter(({ call, kind }) => call === 1 && kind.case === 'message').length;
  // 64 KiB of credit, and each message costs 10 KiB and a little.
  expect(got()).toBe(6);
  client.send(...unaryCall(3, ECHO, toBinary(EchoSchema, create(EchoSchema, { text: 'hello' }))));
  expect((await client.heard('end', 3)).status?.code ?? 0).toBe(0);
  client.send({ call: 1, kind: { case: 'credit', value: { bytes: 3 * 11 * 1024 } } });
  await until('three more come', () => got() === 9);
  client.socket.terminate();
  await until('the backend is told', () => mesh.echo.calls[since]?.cancelled);
});

test('a backend that does not read stops its client by credit', async () => {
  const client = await rawClient(mesh.webSocketUrl);
  await client.hello(mesh.token);
  const since = mesh.echo.calls.length;
  client.send({ call: 1, kind: { case: 'open', value: { method: '/realchat.test.v1.EchoService/Unread' } } });
  await until('the call arrives', () => mesh.echo.calls.length === since + 1);
  let credit = 65_536;
  let sent = 0;
  let counted = 0;
  const send = (): void => {
    const credits = client.frames.filter(({ call, kind }) => call === 1 && kind.case === 'credit').slice(counted);
    counted += credits.length;
    for (const { kind } of credits) if (kind.case === 'credit') credit += kind.value.bytes;
    for (; credit >= 10_032; credit -= 10_032) {
      client.send({ call: 1, kind: { case: 'message', value: new Uint8Array(10_000) } });
      sent += 10_000;
    }
  };
  const total = await settled(() => {
    send();
    return sent;
  });
  expect(total).toBeGreaterThanOrEqual(60_000);
  expect(total).toBeLessThan(8 * MIB);
  client.socket.terminate();
});

test('a client that is slow but reads keeps its socket', async () => {
  const since = mesh.echo.calls.length;
  const client = await flooded(2, true);
  await until('the calls arrive', () => mesh.echo.calls.length === since + 2);
  const begun = performance.now();
  while (performance.now() - begun < 4_000) {
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    client.socket.resume();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(client.socket.readyState).toBe(client.socket.OPEN);
  client.socket.terminate();
});
