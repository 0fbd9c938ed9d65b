import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@realchat/config';
import { startTestMesh, type TestMesh } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ensureTls } from '../stack/tls.ts';
import { edgeSettings } from './config.ts';
import { writeEdgeFiles } from './edge-files.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const production = { REALCHAT_MODE: 'production', EDGE_ORIGINS: 'https://chat.example.com' };

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await startTestMesh(['envoy']);
});
afterAll(() => mesh.stop());

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'realchat-edge-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

async function write(environment: Record<string, string>, tls = folder()): Promise<{ text: string; file: string }> {
  const file = join(folder(), 'envoy.json');
  const addresses = {
    AUTH_ADDRESSES: 'auth:7101',
    PROFILE_ADDRESSES: 'profile:7201',
    MESSAGING_ADDRESSES: 'messaging:7301',
    DELIVERY_ADDRESSES: 'delivery:7401,other:7401',
    OPERATIONS_ADDRESSES: 'operations:7601',
    GATEWAY_HTTP_ADDRESSES: 'gateway:7501',
    GATEWAY_H2C_ADDRESSES: 'gateway:7502',
    RATE_LIMIT_ADDRESSES: 'gateway:7511',
    JWKS_ADDRESSES: 'auth:7131',
  };
  const files = { EDGE_CONFIGURATION_FILE: file, EDGE_TLS_FOLDER: tls };
  await writeEdgeFiles(
    parseConfig(edgeSettings, { ...addresses, ...files, ...mesh.settings('envoy'), ...environment }),
  );
  return { text: readFileSync(file, 'utf8'), file };
}

describe('in development', () => {
  test('what TLS needs is made, and clients are let in from the origins', async () => {
    const tls = folder();
    const { text, file } = await write({ EDGE_ORIGINS: 'http://localhost:8080,https://chat.test:8443' }, tls);
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const name of ['edge.crt', 'edge.key', 'ca.crt']) expect(statSync(join(tls, name)).size).toBeGreaterThan(0);
    for (const part of ['edge_plain', join(tls, 'edge.crt'), 'https://chat.test:8443', '"other"']) {
      expect(text).toContain(part);
    }
  });
});

describe('in production', () => {
  test('the certificate of the operator is taken, and nothing is served in plain text', async () => {
    const tls = folder();
    await ensureTls(tls, ['chat.example.com']);
    const before = readFileSync(join(tls, 'edge.crt'), 'utf8');
    const { text } = await write(production, tls);
    expect(text).not.toContain('edge_plain');
    expect(text).toContain(join(tls, 'edge.key'));
    expect(readFileSync(join(tls, 'edge.crt'), 'utf8')).toBe(before);
  });

  test('S-08: Envoy shows its own certificate of the mesh to each upstream, and looks at theirs', async () => {
    const tls = folder();
    await ensureTls(tls, ['chat.example.com']);
    const { text } = await write(production, tls);
    for (const name of ['auth', 'profile', 'messaging', 'delivery', 'operations', 'gateway'])
      expect(text).toContain(`spiffe://realchat.local/service/${name}`);
    expect(text).toContain(mesh.settings('envoy').TLS_KEY_FILE);
  });

  test('S-71: without a certificate of the mesh there is no edge', async () => {
    await expect(write({ ...production, TLS_KEY_FILE: '' })).rejects.toThrow(/TLS_KEY_FILE: is required in production/);
  });

  test('S-71: without a certificate there is no edge', async () => {
    await expect(write(production)).rejects.toThrow(/edge\.crt cannot be used/);
  });

  test('a certificate of another host is refused', async () => {
    const tls = folder();
    await ensureTls(tls, ['localhost']);
    await expect(write(production, tls)).rejects.toThrow(/does not name chat\.example\.com/);
  });

  test('a certificate that is over is refused', async () => {
    const tls = folder();
    await ensureTls(tls, ['chat.example.com'], new Date(Date.now() - 400 * DAY_MS));
    await expect(write(production, tls)).rejects.toThrow(/is in force from/);
  });

  test('the key of another certificate is refused', async () => {
    const [tls, other] = [folder(), folder()];
    await Promise.all([tls, other].map((each) => ensureTls(each, ['chat.example.com'])));
    copyFileSync(join(other, 'edge.key'), join(tls, 'edge.key'));
    await expect(write(production, tls)).rejects.toThrow(/is not the key of/);
  });

  test('an origin without TLS is refused', async () => {
    const origins = 'https://chat.example.com,http://chat.example.com';
    await expect(write({ ...production, EDGE_ORIGINS: origins })).rejects.toThrow(
      /EDGE_ORIGINS: production has https alone/,
    );
  });
});

test.each(['', 'chat.example.com', 'ftp://chat.example.com'])('%j is no list of origins', async (origins) => {
  await expect(write({ EDGE_ORIGINS: origins })).rejects.toThrow(/EDGE_ORIGINS/);
});
