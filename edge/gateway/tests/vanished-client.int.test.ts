import { create, toBinary } from '@bufbuild/protobuf';
import { startProxyFor, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoSchema } from './echo-service.ts';
import { rawClient, unaryCall } from './raw-client.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

const SERVER_STREAM = '/realchat.test.v1.EchoService/ServerStream';
const liveness = { intervalMs: 300, timeoutMs: 300 };

let mesh: StartedGateway;
beforeAll(async () => {
  mesh = await startGateway({ patience: { liveness } });
});
afterAll(() => mesh.stop());

async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  const { values = [] } = (await mesh.telemetry.metrics.getSingleMetric(name)?.get()) ?? {};
  const isMeant = (of: Partial<Record<string, string | number>>) =>
    Object.entries(labels).every(([label, value]) => of[label] === value);
  return values.find((each) => isMeant(each.labels))?.value ?? 0;
}

/** A client with an open stream, behind a wire. */
async function streaming() {
  const { proxy, address } = await startProxyFor(mesh.webSocketUrl);
  const since = mesh.echo.calls.length;
  const client = await rawClient(address);
  await client.hello(mesh.token);
  const request = toBinary(EchoSchema, create(EchoSchema, { text: 'flood', data: new Uint8Array(1024) }));
  client.send(...unaryCall(1, SERVER_STREAM, request));
  const call = await until('the call arrives', () => mesh.echo.calls[since]);
  return { proxy, client, call };
}

test('a client that vanishes without a word is given up when it answers no ping: its stream ends, its socket is counted no more', async () => {
  const { proxy, call } = await streaming();
  expect(await metric('realchat_gateway_sockets')).toBe(1);
  proxy.freeze();
  await until('its backend is told', () => call.cancelled);
  await until('the socket is gone', async () => (await metric('realchat_gateway_sockets')) === 0);
  expect(await metric('realchat_gateway_socket_closes_total', { code: '4008' })).toBe(1);
  await proxy.stop();
});

test('a client that says nothing and answers pings keeps its socket', async () => {
  const { proxy, client, call } = await streaming();
  await new Promise((resolve) => setTimeout(resolve, 4 * (liveness.intervalMs + liveness.timeoutMs)));
  expect([client.socket.readyState, call.cancelled]).toEqual([client.socket.OPEN, false]);
  client.socket.terminate();
  await proxy.stop();
});
