import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { trustDomainOf } from '@realchat/identity';
import { createGrpcServer, type GrpcServer, PUBLIC_SERVICES } from '@realchat/rpc';
import { silentTelemetry, startTestMesh, type TestMesh } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../../tools/stack/paths.ts';
import { at, type Edge, SEND_MESSAGE, startEdge } from './edge.ts';
import { readConnectError, readErrorFacts } from './error-facts.ts';
import { grpcCall } from './grpc-call.ts';
import { grpcWebCall } from './grpc-web.ts';
import { http2Request } from './http2-request.ts';
import { type ServiceStub, startServiceStub } from './service-stub.ts';

const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const UNIMPLEMENTED = 12;
const buf = join(repositoryRoot, 'node_modules/.bin/buf');
const internal = [LogService, AccountService].flatMap((service) =>
  service.methods.map((method) => `/${service.typeName}/${method.name}`),
);
const variants = [
  '/realchat.messaging.v1.MessageService/Nothing',
  '/realchat.messaging.v1.MessageService/sendMessage',
  '/realchat.messaging.v1.messageservice/SendMessage',
  `${SEND_MESSAGE}/`,
  `/${SEND_MESSAGE}`,
  `${SEND_MESSAGE}/../../realchat.messaging.v1.LogService/ReadLog`,
  '/realchat.messaging.v2.MessageService/SendMessage',
  '/grpc.channelz.v1.Channelz/GetServers',
  '/metrics',
  '/stats/prometheus',
  '/config_dump',
  '/.env',
];

describe('what cannot be reached', () => {
  let edge: Edge;
  let inside: ServiceStub;
  beforeAll(async () => {
    // Internal services on the very port that public ones are served on: the edge alone keeps them apart.
    inside = await startServiceStub([LogService, AccountService]);
    edge = await startEdge({ upstreams: { messaging: at(inside.port), auth: at(inside.port) } });
  });
  afterAll(async () => {
    await edge.stop();
    inside.kill();
  });

  test.each([...internal, ...variants])('S-07: %s is nowhere, with a token or without', async (path) => {
    for (const headers of [{}, await edge.authorized()]) {
      const native = await grpcCall(edge.grpc, path, undefined, headers);
      expect([native.code, readErrorFacts(native.details).reason]).toEqual([UNIMPLEMENTED, 'METHOD_UNKNOWN']);
      expect((await grpcWebCall(edge.target, path, undefined, headers)).status).toBe(UNIMPLEMENTED);
      const json = { ':path': path, 'content-type': 'application/json', ...headers };
      expect((await http2Request(edge.target, json, '{}')).status).toBe(404);
    }
    expect([...inside.seen, ...edge.gateway.seen]).toEqual([]);
  });

  test('a Connect client reads of an unknown method that it is unimplemented', async () => {
    const answer = await http2Request(
      edge.target,
      { ':path': internal[0] ?? '', 'content-type': 'application/json' },
      '{}',
    );
    expect(readConnectError(answer.body)).toMatchObject({ code: 'unimplemented', reason: 'METHOD_UNKNOWN' });
  });

  test("S-44: an escaped slash is refused, in the caller's protocol", async () => {
    const path = SEND_MESSAGE.replace('/SendMessage', '%2fSendMessage');
    expect((await grpcCall(edge.grpc, path)).code).toBe(3);
    expect((await grpcWebCall(edge.target, path)).status).toBe(3);
  });
});

describe('in development', () => {
  let edge: Edge;
  let messaging: GrpcServer;
  beforeAll(async () => {
    const { log, metrics } = silentTelemetry();
    const listen = { host: '127.0.0.1', port: 0 };
    messaging = createGrpcServer({
      listen,
      identity: undefined,
      implementations: [],
      reflect: [...PUBLIC_SERVICES],
      log,
      metrics,
    });
    await messaging.start();
    edge = await startEdge({ upstreams: { messaging: at(messaging.port) } });
  });
  afterAll(async () => {
    await edge.stop();
    await messaging.stop(0);
  });

  test.each(['grpc', 'grpcweb'])('buf curl lists the public contract through the edge by %s', async (protocol) => {
    const authority = join(await mkdtemp(join(tmpdir(), 'realchat-reach-')), 'ca.crt');
    await writeFile(authority, edge.envoy.ca);
    const { stdout } = await promisify(execFile)(buf, [
      'curl',
      '--list-services',
      `--protocol=${protocol}`,
      `--cacert=${authority}`,
      edge.envoy.tls.origin,
    ]);
    await rm(dirname(authority), { recursive: true });
    const listed = stdout.split('\n').filter((name) => name.startsWith('realchat.'));
    expect(new Set(listed)).toEqual(new Set(PUBLIC_SERVICES.map((service) => service.typeName)));
  });
});

describe('in production', () => {
  let edge: Edge;
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh(['envoy']);
    const { TLS_CERT_FILE: chainFile, TLS_KEY_FILE: keyFile, TLS_CA_FILE: authorityFile } = mesh.settings('envoy');
    const trustDomain = trustDomainOf(new X509Certificate(await readFile(chainFile))) ?? '';
    edge = await startEdge({
      mode: 'production',
      mesh: { chainFile, keyFile, authorityFile, trustDomain },
      allowedOrigins: ['https://chat.example.com'],
    });
  });
  afterAll(async () => {
    await edge.stop();
    await mesh.stop();
  });

  test('S-68: reflection is nowhere', async () => {
    expect((await grpcCall(edge.grpc, REFLECTION)).code).toBe(UNIMPLEMENTED);
    expect(edge.service.seen).toEqual([]);
  });

  test('S-69: there is no plain listener, and browsers are told to stay on TLS', async () => {
    await expect(fetch(`http://127.0.0.1:${edge.envoy.plain.port}/`)).rejects.toThrow();
    const { headers } = await http2Request(edge.target, { ':path': '/' });
    expect(headers['strict-transport-security']).toContain('max-age=31536000');
  });

  test('S-69: TLS 1.2 and 1.3 are spoken, older ones are not, and no weak cipher', async () => {
    const handshake = (options: object) =>
      new Promise<string>((resolve) => {
        const socket = connectTls(
          { port: edge.envoy.tls.port, host: 'localhost', ca: edge.envoy.ca, ...options },
          () => {
            resolve(`${socket.getProtocol()} ${socket.alpnProtocol || 'no protocol'}`);
            socket.destroy();
          },
        );
        socket.on('error', () => resolve('refused'));
      });
    expect(await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).toBe('TLSv1.3 h2');
    expect(await handshake({ maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] })).toBe('TLSv1.2 http/1.1');
    expect(await handshake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toBe(
      'refused',
    );
    expect(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:DES-CBC3-SHA:@SECLEVEL=0' })).toBe('refused');
  });
});
