import { connect } from 'node:http2';
import { createClient } from '@connectrpc/connect';
import { createWebSocketTransport } from '@realchat/client';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EchoService } from './echo-service.ts';
import { type StartedGateway, startGateway } from './start-gateway.ts';

let mesh: StartedGateway;

beforeAll(async () => {
  mesh = await startGateway({ patience: { bodyMs: 300 } });
});
afterAll(() => mesh.stop());

const metrics = async (): Promise<string> => (await fetch(`${mesh.ops}/metrics`)).text();

test('calls, sockets, frames and closes are counted, by names that clients cannot make up', async () => {
  const transport = createWebSocketTransport({ url: mesh.webSocketUrl, token: () => mesh.token });
  const echo = createClient(EchoService, transport);
  await echo.unary({ text: 'hello' });
  await echo.unary({ text: 'fail' }).catch(() => {});
  await createClient(LogService, transport)
    .readHeads({})
    .catch(() => {});
  const open = await metrics();
  expect(open).toMatch(/^realchat_gateway_sockets\{[^}]*\} 1$/m);
  const count = (code: string, method: string) =>
    new RegExp(
      `^realchat_gateway_call_duration_seconds_count\\{(?=[^}]*rpc_method="${method}")(?=[^}]*via="websocket")[^}]*rpc_status_code="${code}"[^}]*\\} 1$`,
      'm',
    );
  expect(open).toMatch(count('OK', '/realchat.test.v1.EchoService/Unary'));
  expect(open).toMatch(count('FAILED_PRECONDITION', '/realchat.test.v1.EchoService/Unary'));
  expect(open).toMatch(count('UNIMPLEMENTED', 'unknown'));
  for (const direction of ['in', 'out']) {
    expect(open).toMatch(
      new RegExp(`^realchat_gateway_frames_bytes_total\\{[^}]*direction="${direction}"[^}]*\\} \\d{2,}$`, 'm'),
    );
  }
  transport.close();
  await until('the close is counted', async () =>
    /socket_closes_total\{[^}]*code="1000"[^}]*\} 1$/m.test(await metrics()),
  );
  expect(await metrics()).not.toMatch(/user-1|session-1|LogService/);
});

test('a call is one line with its trace, and no line has a token or a message', async () => {
  const transport = createWebSocketTransport({ url: mesh.webSocketUrl, token: () => mesh.token });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await createClient(EchoService, transport).unary({ text: 'a very private text' }, { headers: { traceparent } });
  const line = await until('the line is written', () =>
    mesh.telemetry.lines.find((candidate) => candidate['trace_id'] === '0af7651916cd43dd8448eb211c80319c'),
  );
  expect(line).toMatchObject({ method: '/realchat.test.v1.EchoService/Unary', via: 'websocket', code: 'OK' });
  const all = JSON.stringify(mesh.telemetry.lines);
  expect(all).not.toContain('a very private text');
  expect(all).not.toContain(mesh.token);
  transport.close();
});

test('readiness names the services that cannot be reached', async () => {
  const other = await startGateway();
  expect((await fetch(`${other.ops}/readyz`)).status).toBe(200);
  other.echo.stop();
  const problems = async () => (await fetch(`${other.ops}/readyz`)).text();
  await until('it is noticed', async () => (await problems()) === 'delivery cannot be reached\n');
  await other.stop();
});

test('a body that does not come ends its request', async () => {
  const session = connect(mesh.h2c);
  const request = session.request({
    ':method': 'POST',
    ':path': '/realchat.test.v1.EchoService/Unary',
    'content-type': 'application/json',
    authorization: `Bearer ${mesh.token}`,
  });
  request.on('error', () => {});
  request.write('{"text":');
  await new Promise((resolve) => request.on('close', resolve));
  session.close();
});
