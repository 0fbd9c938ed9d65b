import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import type { Identity } from '@realchat/identity';
import { recordedTelemetry, refusalOf, startTestMesh, type TestMesh, until } from '@realchat/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { callersOf } from '../callers.ts';
import { createGrpcClient } from '../client.ts';
import { channelCredentials, channelOptions } from '../credentials.ts';
import { implement } from '../implement.ts';
import { PUBLIC_SERVICES } from '../public-services.ts';
import { createGrpcServer, type GrpcServer } from '../server.ts';

const MEMBERS = ['auth', 'profile', 'messaging', 'delivery', 'gateway', 'envoy'];
const HEALTH = '/grpc.health.v1.Health/Check';
const telemetry = recordedTelemetry();
let mesh: TestMesh;
let stranger: TestMesh;
let server: GrpcServer;
let handled = 0;

beforeAll(async () => {
  [mesh, stranger] = await Promise.all([startTestMesh(MEMBERS), startTestMesh(['delivery'])]);
  server = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: mesh.identity('messaging'),
    implementations: [
      implement(LogService, {
        readHeads: async () => {
          handled++;
          return { epoch: 'epoch-1' };
        },
        readLog: async () => ({}),
        readSession: async () => ({}),
      }),
    ],
    ...telemetry,
  });
  await server.start();
});
afterAll(async () => {
  await server.stop(100);
  await Promise.all([mesh.stop(), stranger.stop()]);
});
beforeEach(() => {
  handled = 0;
  telemetry.lines.length = 0;
});

function clientAs(identity: Identity | undefined) {
  const address = { host: '127.0.0.1', port: server.port };
  const client = createGrpcClient(LogService, [address], { identity, deadlineMs: 3_000 });
  onTestFinished(() => client.close());
  return client;
}

describe('S-08: LogService', () => {
  test('answers delivery, whose row in the table it is', async () => {
    expect(await clientAs(mesh.identity('delivery')).readHeads({})).toMatchObject({ epoch: 'epoch-1' });
    expect(handled).toBe(1);
  });

  test.each(MEMBERS.filter((name) => name !== 'delivery'))(
    'refuses %s, says why, counts and logs it, and does nothing',
    async (name) => {
      const client = clientAs(mesh.identity(name));
      // The second on the same connection, whose name is remembered.
      for (const _ of [1, 2]) {
        expect(await refusalOf(client.readHeads({}))).toMatchObject({
          code: 'PERMISSION_DENIED',
          reason: 'CALLER_NOT_ALLOWED',
        });
      }
      expect(handled).toBe(0);
      // A process that goes on trying does not fill the log.
      const told = telemetry.lines.filter(({ message }) => message === 'caller refused');
      expect(told).toMatchObject([{ caller: name, rpc: 'realchat.messaging.v1.LogService/ReadHeads' }]);
      const counted = new RegExp(`realchat_callers_refused_total\\{caller="${name}"[^}]*\\} 2\n`);
      expect(await telemetry.metrics.metrics()).toMatch(counted);
    },
  );

  test('refuses delivery of another authority, plain text, and TLS without a certificate', async () => {
    for (const identity of [stranger.identity('delivery'), undefined]) {
      expect((await refusalOf(clientAs(identity).readHeads({}))).code).toMatch(/^(UNAVAILABLE|DEADLINE_EXCEEDED)$/);
    }
    expect(await firstByteWithoutCertificate()).toBe('closed');
    expect(handled).toBe(0);
  });

  test('is believed to be messaging, and nobody else, by who calls', async () => {
    const auth = mesh.identity('delivery');
    const channel = new grpc.Client(`dns:///127.0.0.1:${server.port}`, channelCredentials(auth, 'auth'), {
      ...channelOptions(auth, 'auth'),
    });
    onTestFinished(() => channel.close());
    const refusal = await refusalOf(callHealth(channel));
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE' });
    expect(refusal.message).toContain('the server is messaging, not auth');
  });

  test('says to every process of the mesh whether it is healthy', async () => {
    const gateway = mesh.identity('gateway');
    const channel = new grpc.Client(`127.0.0.1:${server.port}`, channelCredentials(gateway, 'messaging'), {
      ...channelOptions(gateway, 'messaging'),
    });
    onTestFinished(() => channel.close());
    expect([...(await callHealth(channel))]).toEqual([0x08, 1]);
  });
});

test('S-08: a public service is open to the edge alone, and a service without a row to nobody', () => {
  for (const service of PUBLIC_SERVICES) expect(callersOf(service)).toEqual(['envoy', 'gateway']);
  expect(callersOf({ ...LogService })).toEqual([]);
});

test('what is renewed on disk is shown at new connections, on both sides, without a restart', async () => {
  const own = await startTestMesh(['messaging', 'delivery']);
  onTestFinished(() => own.stop());
  const [serving, calling] = [own.identity('messaging'), own.identity('delivery')];
  const renewing = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: serving,
    implementations: [],
    ...recordedTelemetry(),
  });
  await renewing.start();
  onTestFinished(() => renewing.stop(100));
  const serial = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls(
        {
          port: renewing.port,
          host: '127.0.0.1',
          ...calling.files,
          checkServerIdentity: calling.checkServer('messaging'),
        },
        () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });
  const channel = new grpc.Client(`127.0.0.1:${renewing.port}`, channelCredentials(calling, 'messaging'), {
    ...channelOptions(calling, 'messaging'),
  });
  onTestFinished(() => channel.close());
  const first = await serial();
  await callHealth(channel);
  await own.renew();
  await until('the server shows another certificate', async () => (await serial()) !== first);
  await callHealth(channel);
});

function callHealth(channel: grpc.Client): Promise<Buffer> {
  const same = (bytes: Buffer) => bytes;
  const deadline = Date.now() + 3_000;
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(HEALTH, same, same, Buffer.alloc(0), { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer as Buffer),
    );
  });
}

/** TLS 1.3 lets a client believe it is connected before the server has seen that there is no certificate. */
function firstByteWithoutCertificate(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({
      socket: connectTcp(server.port, '127.0.0.1'),
      ca: mesh.identity('delivery').files.ca,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    socket.on('data', () => resolve('data'));
    socket.on('error', () => resolve('closed'));
    socket.on('close', () => resolve('closed'));
  });
}
