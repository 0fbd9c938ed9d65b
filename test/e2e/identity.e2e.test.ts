import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { DescMethod } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createClient } from '@realchat/db';
import { RateLimitService } from '@realchat/gen/envoy/service/ratelimit/v3/rls';
import { ServerReflection } from '@realchat/gen/grpc/reflection/v1/reflection';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { DeadLetterService } from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { type Identity, openIdentity } from '@realchat/identity';
import { channelCredentials, channelOptions } from '@realchat/rpc';
import { type MeshName, meshMembers, meshNames, meshTlsFiles } from '@realchat/stack';
import { type Refusal, refusalOf, silentTelemetry, startTestMesh, type TestMesh, until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';

// Every process in production, which is how it must hold: with what the launcher tells it otherwise.
const ORIGIN = 'https://chat.example.com';
const production = Object.fromEntries(meshNames.map((name) => [name, { REALCHAT_MODE: 'production' }]));
const mesh = useMesh({ env: { ...production, gateway: { REALCHAT_MODE: 'production', ALLOWED_ORIGINS: ORIGIN } } });

const SETTINGS_FRAME = 4;
/** As a call that was not refused looks. */
const ANSWERED = Object.assign(new Error('answered'), { code: 0, details: '', metadata: new grpc.Metadata() });

let stranger: TestMesh;
let identities: Map<string, Identity>;

beforeAll(async () => {
  stranger = await startTestMesh(['envoy']);
  identities = new Map(meshMembers.map((name) => [name, identityOf(name)]));
});
afterAll(async () => {
  for (const identity of identities?.values() ?? []) identity.stop();
  await stranger?.stop();
});

test('a mesh in production carries a message from client to client', async () => {
  const ada = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  const ben = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  try {
    await Promise.all([ada, ben].map((user) => user.register(newUsername(), newPassword())));
    const stream = await ben.subscribe();
    await until('the profile is there', async () => (await ada.findUser(ben.username)) === ben.userId);
    await ada.send(await ada.createConversation({ direct: ben.userId }), 'hello');
    await until('the message is pushed', () => stream.messages.some(({ text }) => text === 'hello'));
  } finally {
    await Promise.all([ada, ben].map((user) => user.close()));
  }
});

test('S-08: no listener of the mesh answers in plain text, without a certificate, or to another authority', async () => {
  const listeners = meshNames.flatMap((name) =>
    Object.entries(mesh().stack.environment(name))
      .filter(([setting]) => setting.endsWith('_LISTEN') && setting !== 'OPS_LISTEN')
      .map(([setting, address]) => ({ what: `${name} ${setting}`, port: Number(address.split(':').at(-1)) })),
  );
  expect(listeners.length).toBeGreaterThanOrEqual(9);
  const { ca } = identityFiles('envoy');
  for (const { what, port } of listeners) {
    expect([what, await answers(port, 'plain')]).toEqual([what, false]);
    expect([what, await answers(port, { ca })]).toEqual([what, false]);
    expect([what, await answers(port, { ...stranger.identity('envoy').files, ca })]).toEqual([what, false]);
    expect([what, await answers(port, identityFiles('envoy'))]).toEqual([what, true]);
  }
});

type PortName =
  | 'authGrpc'
  | 'authInternal'
  | 'profileGrpc'
  | 'messagingGrpc'
  | 'messagingInternal'
  | 'deliveryGrpc'
  | 'deliveryInternal'
  | 'operationsGrpc'
  | 'gatewayRateLimit'
  | 'gatewayHttp'
  | 'gatewayH2c';

const rows: [port: PortName, server: MeshName, method: DescMethod, callers: string[]][] = [
  ['authGrpc', 'auth', AuthService.method.listSessions, ['envoy', 'gateway']],
  ['authInternal', 'auth', AccountService.method.findMissingAccounts, ['messaging']],
  ['profileGrpc', 'profile', ProfileService.method.getProfile, ['envoy', 'gateway']],
  ['messagingGrpc', 'messaging', MessageService.method.sendMessage, ['envoy', 'gateway']],
  ['messagingInternal', 'messaging', LogService.method.readHeads, ['delivery']],
  ['messagingInternal', 'messaging', MembershipService.method.checkMembership, ['delivery']],
  ['messagingInternal', 'messaging', MessageFactsService.method.getMessageFacts, ['operations']],
  ['deliveryInternal', 'delivery', DeliveryFactsService.method.getDeliveryFacts, ['operations']],
  ['deliveryGrpc', 'delivery', DeliveryService.method.subscribe, ['envoy', 'gateway']],
  ['gatewayRateLimit', 'gateway', RateLimitService.method.shouldRateLimit, ['envoy']],
  ['operationsGrpc', 'operations', DeadLetterService.method.listDeadLetters, ['envoy', 'gateway']],
];

test.each(rows)('S-08: %s of %s answers those who have to do with it', async (port, server, method, callers) => {
  const found: string[] = [];
  for (const [name, identity] of identities) {
    const { reason } = await call(identity, server, portOf(port), method);
    if (reason !== 'CALLER_NOT_ALLOWED') found.push(name);
  }
  expect(found.toSorted()).toEqual(callers.toSorted());
});

test('S-08: the gateway lets in Envoy alone', async () => {
  for (const port of [portOf('gatewayHttp'), portOf('gatewayH2c')]) {
    const found: string[] = [];
    for (const name of meshMembers) if (await answers(port, identityFiles(name))) found.push(name);
    expect(found).toEqual(['envoy']);
  }
});

test('S-08: who was refused is counted', async () => {
  for (const name of ['auth', 'profile', 'messaging', 'delivery', 'operations', 'gateway'] as const) {
    const port = mesh().stack.environment(name)['OPS_LISTEN'];
    const metrics = await (await fetch(`http://${port}/metrics`)).text();
    expect(metrics).toMatch(/realchat_callers_refused_total\{caller="\w+"[^}]*\} [1-9]/);
  }
});

test('S-68: in production no service describes itself, not even to the edge', async () => {
  const envoy = identities.get('envoy') as Identity;
  const [reflection] = ServerReflection.methods;
  for (const [port, server] of rows) {
    const { code } = await call(envoy, server, portOf(port), reflection as DescMethod);
    expect([port, code]).toEqual([port, 'UNIMPLEMENTED']);
  }
});

const databases = ['auth', 'profile', 'messaging', 'delivery', 'operations'] as const;

test.each(databases)(
  'S-70: the role of %s gets into its own database and no other, and rules over nothing',
  async (role) => {
    const { ports, secrets } = mesh().stack;
    const found: string[] = [];
    for (const database of [...databases, 'postgres', 'template1']) {
      const url = `postgres://${role}:${secrets.postgres[role]}@127.0.0.1:${ports.postgres}/${database}`;
      if (await asksPostgres(url, 'select 1')) found.push(database);
    }
    expect(found).toEqual([role]);
    const own = `postgres://${role}:${secrets.postgres[role]}@127.0.0.1:${ports.postgres}/${role}`;
    for (const statement of [
      'create role intruder superuser',
      'create database intruder',
      "select pg_read_file('PG_VERSION')",
    ])
      expect([statement, await asksPostgres(own, statement)]).toEqual([statement, false]);
    expect(await asksPostgres(own.replace(secrets.postgres[role], 'x'.repeat(43)), 'select 1')).toBe(false);
  },
);

async function asksPostgres(url: string, statement: string): Promise<boolean> {
  const client = createClient({ url, name: 'probe' });
  try {
    await client.connect();
    await client.query(statement);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** From the files that the launcher made. */
function identityOf(name: string): Identity {
  const { certificate, key, authority } = meshTlsFiles(join(mesh().stack.paths.meshTls, name));
  const settings = { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key, TLS_CA_FILE: authority };
  const identity = openIdentity(settings, name, silentTelemetry());
  if (!identity) throw new Error(`${name} has no identity`);
  return identity;
}

function identityFiles(name: string): { cert: string; key: string; ca: string } {
  const identity = identities.get(name);
  if (!identity) throw new Error(`${name} has no identity`);
  return identity.files;
}

function portOf(name: PortName): number {
  return mesh().stack.ports[name];
}

/** How a call ends that says nothing and has no token. */
async function call(identity: Identity, server: string, port: number, method: DescMethod): Promise<Refusal> {
  const same = (bytes: Buffer) => bytes;
  const channel = new grpc.Client(`127.0.0.1:${port}`, channelCredentials(identity, server), {
    ...channelOptions(identity, server),
  });
  const path = `/${method.parent.typeName}/${method.name}`;
  const answered = new Promise<Buffer>((resolve, reject) => {
    channel.makeUnaryRequest(path, same, same, Buffer.alloc(0), { deadline: Date.now() + 10_000 }, (error, answer) =>
      error ? reject(error) : resolve(answer as Buffer),
    );
  });
  try {
    return await refusalOf(answered.then(() => Promise.reject(ANSWERED)));
  } finally {
    channel.close();
  }
}

/** Whether a server sends a byte of HTTP/1.1 or HTTP/2 to who asks in this way. */
function answers(port: number, how: 'plain' | ConnectionOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket =
      how === 'plain'
        ? connectTcp(port, '127.0.0.1')
        : connectTls({
            socket: connectTcp(port, '127.0.0.1'),
            ALPNProtocols: ['h2', 'http/1.1'],
            checkServerIdentity: () => undefined,
            ...how,
          });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(5_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (bytes: Buffer) =>
      end(bytes.toString('latin1').startsWith('HTTP') || bytes[3] === SETTINGS_FRAME),
    );
    socket.once(how === 'plain' ? 'connect' : 'secureConnect', () => {
      const http1 = how === 'plain' || (socket as TLSSocket).alpnProtocol !== 'h2';
      socket.write(http1 ? 'GET / HTTP/1.1\r\nhost: x\r\n\r\n' : 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    });
  });
}
