import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { startTestMesh, type TestMesh, until } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admitOnly } from '../admit.ts';
import { getOverTls } from '../get.ts';
import type { Identity } from '../identity.ts';

let mesh: TestMesh;
let stranger: TestMesh;
beforeAll(async () => {
  [mesh, stranger] = await Promise.all([startTestMesh(['gateway', 'envoy', 'delivery']), startTestMesh(['envoy'])]);
});
afterAll(() => Promise.all([mesh.stop(), stranger.stop()]));

interface Served {
  get(as: Identity, server?: string): Promise<string>;
  refused: (string | undefined)[];
  requests: () => number;
}

const protocols: Record<string, () => Promise<Served>> = { 'HTTP/1.1': serveHttp, 'HTTP/2': serveHttp2 };

describe.each(Object.entries(protocols))('S-08: a server of %s that is for Envoy alone', (_, serve) => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });

  test('answers Envoy, and goes on answering after it sent others away', async () => {
    expect(await served.get(mesh.identity('envoy'))).toBe('hello');
    await expect(served.get(mesh.identity('delivery'))).rejects.toThrow();
    expect(await served.get(mesh.identity('envoy'))).toBe('hello');
  });

  test('sends another process of the mesh away before it reads a request, and says whom', async () => {
    const before = served.requests();
    served.refused.length = 0;
    await expect(served.get(mesh.identity('delivery'))).rejects.toThrow();
    await until('it is told', () => served.refused.length > 0);
    expect([served.refused, served.requests()]).toEqual([['delivery'], before]);
  });

  test('refuses the Envoy of another authority', async () => {
    await expect(served.get(stranger.identity('envoy'))).rejects.toThrow();
  });

  test('is not taken for another process by its clients', async () => {
    await expect(served.get(mesh.identity('envoy'), 'auth')).rejects.toThrow(/the server is gateway, not auth/);
  });
});

async function serveHttp(): Promise<Served> {
  const gateway = mesh.identity('gateway');
  const refused: (string | undefined)[] = [];
  let requests = 0;
  const server = createServer({ ...gateway.files, requestCert: true }, (_request, response) => {
    requests++;
    response.end('hello');
  });
  admitOnly(server, gateway, ['envoy'], (name) => refused.push(name));
  const port = await listening(server);
  return {
    refused,
    requests: () => requests,
    get: (identity, name = 'gateway') =>
      getOverTls(`https://127.0.0.1:${port}/`, { identity, server: name, timeoutMs: 5_000 }),
  };
}

async function serveHttp2(): Promise<Served> {
  const gateway = mesh.identity('gateway');
  const refused: (string | undefined)[] = [];
  let requests = 0;
  const server = createSecureServer({ ...gateway.files, requestCert: true }, (_request, response) => {
    requests++;
    response.end('hello');
  });
  server.on('sessionError', () => {});
  admitOnly(server, gateway, ['envoy'], (name) => refused.push(name));
  const port = await listening(server);
  return {
    refused,
    requests: () => requests,
    get: (identity, name = 'gateway') =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(`https://127.0.0.1:${port}`, {
          ...identity.files,
          servername: name,
          checkServerIdentity: identity.checkServer(name),
        });
        session.on('error', reject);
        session.on('close', () => reject(new Error('closed')));
        const stream = session.request({ ':path': '/' });
        stream.on('error', reject);
        let body = '';
        stream.on('data', (chunk) => (body += chunk));
        stream.on('end', () => {
          // A stream that was cut ends too, without an answer.
          if (body === '') return reject(new Error('cut'));
          resolve(body);
          return session.close();
        });
      }),
  };
}

function listening(server: ReturnType<typeof createServer> | ReturnType<typeof createSecureServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
