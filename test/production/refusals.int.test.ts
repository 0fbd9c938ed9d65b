import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ConfigError, parseConfig, type Settings } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { startTestMesh, type TestMesh } from '@realchat/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edgeSettings } from '../../tools/compose/config.ts';
import { type MeshName, meshNames } from '../../tools/stack/instances.ts';
import { machineEnvironment } from '../../tools/stack/machine-environment.ts';
import { meshMembers, meshTable } from '../../tools/stack/mesh.ts';
import { meshSettings } from '../../tools/stack/mesh-settings.ts';
import { compileCache, repositoryRoot } from '../../tools/stack/paths.ts';
import { defaultPorts } from '../../tools/stack/ports.ts';

type ProcessName = MeshName | 'edge-files';

/** What a production process must not run with, by the setting that says it. */
const wrong: [setting: string, what: string, value: string][] = [
  ['TLS_CERT_FILE', 'nothing', ''],
  ['TLS_KEY_FILE', 'nothing', ''],
  ['TLS_CA_FILE', 'nothing', ''],
  ['TLS_CERT_FILE', 'no file', '/nowhere/tls.crt'],
  ['JWKS_URL', 'plain text', 'http://127.0.0.1:7131/.well-known/jwks.json'],
  ['DATABASE_URL', 'no password', 'postgres://auth@127.0.0.1:15432/auth'],
  ['DATABASE_URL', 'a well-known password', 'postgres://auth:postgres-password-1@127.0.0.1:15432/auth'],
  ['DATABASE_URL', 'a short password', 'postgres://auth:xK3f9@127.0.0.1:15432/auth'],
  ['REDIS_URL', 'no password', 'redis://127.0.0.1:16379/0'],
  ['REDIS_URL', 'a password that is no secret', 'redis://default:aaaaaaaaaaaaaaaaaaaa@127.0.0.1:16379/0'],
  ['SIGNING_KEY_SECRET', 'a short secret', 'xK3f9'],
  ['SIGNING_KEY_SECRET', 'a well-known secret', 'change-me-please-before-you-deploy-this'],
  ['CURSOR_SECRET', 'a secret of one character', 'a'.repeat(43)],
  ['CURSOR_SECRET', 'nothing', ''],
  ['ALLOWED_ORIGINS', 'an origin without TLS', 'https://chat.example.com,http://chat.example.com'],
  ['ALLOWED_ORIGINS', 'any origin', '*'],
  ['EDGE_ORIGINS', 'an origin without TLS', 'http://chat.example.com'],
];

const settingsOf: Record<ProcessName, Settings> = { ...meshSettings, 'edge-files': edgeSettings };
const processes = Object.keys(settingsOf) as ProcessName[];
const cases = processes.flatMap((name) =>
  wrong.filter(([setting]) => setting in settingsOf[name]).map((each) => [name, ...each] as const),
);

let mesh: TestMesh;
let good: Record<ProcessName, Record<string, string>>;
let entries: Record<ProcessName, string>;

beforeAll(async () => {
  mesh = await startTestMesh(meshMembers);
  const table = productionTable();
  good = { ...table, 'edge-files': edgeEnvironment() };
  entries = { ...entriesOf(), 'edge-files': 'tools/compose/edge-main.ts' };
});
afterAll(() => mesh.stop());

test.each(processes)('%s: what the launcher would tell it is good enough for production', (name) => {
  expect(() => parseConfig(settingsOf[name], good[name])).not.toThrow();
});

describe('S-71: in production a process is not configured, and the one setting at fault is named', () => {
  test.each(cases)('%s with %s of %s', (name, setting, _what, value) => {
    const identity = name === 'edge-files' ? 'envoy' : name;
    const parse = () => parseConfig(settingsOf[name], { ...good[name], [setting]: value }, checkIdentity(identity));
    const problems = problemsOf(parse);
    expect(problems.map((line) => line.split(/[.:]/, 1)[0])).toEqual([setting]);
    if (settingsOf[name][setting]?.meta()?.['secret'] && value) expect(problems[0]).not.toContain(value);
  });
});

describe('S-71: a production process exits with 78 before it opens a port', () => {
  test.each(processes)('%s with everything wrong, and names all of it at once', async (name) => {
    const own = wrong.filter(([setting]) => setting in settingsOf[name]);
    const { code, said } = await start(name, Object.fromEntries(own.map(([setting, , value]) => [setting, value])));
    expect(code).toBe(78);
    // A file that is named and not there is looked for when the rest is good.
    const named = new Set(own.map(([setting]) => setting).filter((setting) => setting !== 'TLS_CERT_FILE'));
    expect(new Set([...said.matchAll(/^ {2}(\w+)(?:\.\d+)?: /gm)].map(([, setting]) => setting))).toEqual(named);
  });

  test.each(meshMembers.filter((name) => name !== 'envoy'))('%s with the certificate of another', async (name) => {
    const other = mesh.settings(name === 'auth' ? 'profile' : 'auth');
    const { code, said } = await start(name, other);
    expect([code, said]).toEqual([78, expect.stringMatching(new RegExp(`TLS_CERT_FILE: .*not of ${name}`))]);
  });
});

function problemsOf(parse: () => unknown): string[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}

async function start(name: ProcessName, changes: Record<string, string>): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(repositoryRoot, entries[name])], {
    env: { ...machineEnvironment(), NODE_COMPILE_CACHE: compileCache(), ...good[name], ...changes },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  const said = await text(child.stderr);
  return { code: await exited, said };
}

function launcherTable() {
  const random = () => randomBytes(32).toString('base64url');
  return meshTable({
    ports: defaultPorts,
    instances: {},
    secrets: {
      postgres: {
        superuser: random(),
        auth: random(),
        profile: random(),
        messaging: random(),
        delivery: random(),
        operations: random(),
      },
      valkey: random(),
      cursor: random(),
      signingKey: random(),
    },
    kafka: () => '127.0.0.1:19092',
    origins: ['https://chat.example.com'],
    webRoot: '/web',
    tlsFolder: (name) => join(mesh.settings(name).TLS_CERT_FILE, '..'),
    filesFolder: '/files',
    logLevel: 'info',
  });
}

function entriesOf() {
  return Object.fromEntries(meshNames.map((name) => [name, launcherTable()[name].entry])) as Record<MeshName, string>;
}

function productionTable() {
  const table = launcherTable();
  const rows = meshNames.map((name) => [name, { ...table[name].env, REALCHAT_MODE: 'production' }]);
  return Object.fromEntries(rows) as Record<MeshName, Record<string, string>>;
}

function edgeEnvironment(): Record<string, string> {
  return {
    ...mesh.settings('envoy'),
    REALCHAT_MODE: 'production',
    EDGE_ORIGINS: 'https://chat.example.com',
    EDGE_CONFIGURATION_FILE: '/nowhere/envoy.json',
    EDGE_TLS_FOLDER: '/nowhere',
    AUTH_ADDRESSES: 'auth:7101',
    PROFILE_ADDRESSES: 'profile:7201',
    MESSAGING_ADDRESSES: 'messaging:7301',
    DELIVERY_ADDRESSES: 'delivery:7401',
    OPERATIONS_ADDRESSES: 'operations:7601',
    GATEWAY_HTTP_ADDRESSES: 'gateway:7501',
    GATEWAY_H2C_ADDRESSES: 'gateway:7502',
    RATE_LIMIT_ADDRESSES: 'gateway:7511',
    JWKS_ADDRESSES: 'auth:7131',
  };
}
