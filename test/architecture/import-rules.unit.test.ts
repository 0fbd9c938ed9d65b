import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

// Who may import whom. A rule that is not in this table is not a rule.
const MAY_IMPORT: Record<string, string[]> = {
  'gen/ts': [],
  'packages/config': [],
  'packages/telemetry': ['packages/config'],
  'packages/framing': ['gen/ts'],
  'packages/db': ['packages/config', 'packages/telemetry'],
  'packages/eventlog': ['packages/config', 'packages/telemetry', 'gen/ts'],
  'packages/identity': ['packages/config', 'packages/telemetry'],
  'packages/rpc': ['packages/config', 'packages/telemetry', 'packages/identity', 'gen/ts'],
  'packages/redis': ['packages/config', 'packages/telemetry'],
  'packages/revocation': ['packages/config', 'packages/telemetry', 'packages/redis', 'packages/rpc'],
  'packages/transients': ['packages/telemetry', 'packages/redis', 'gen/ts'],
  'packages/limits': ['packages/config', 'packages/telemetry', 'packages/redis', 'packages/rpc', 'gen/ts'],
  'packages/outbox': ['packages/config', 'packages/telemetry', 'packages/db', 'packages/eventlog'],
  services: [
    'packages/config',
    'packages/telemetry',
    'packages/db',
    'packages/eventlog',
    'packages/identity',
    'packages/rpc',
    'packages/outbox',
    'packages/redis',
    'packages/revocation',
    'packages/transients',
    'packages/limits',
    'gen/ts',
  ],
  'edge/gateway': [
    'packages/config',
    'packages/telemetry',
    'packages/identity',
    'packages/rpc',
    'packages/redis',
    'packages/revocation',
    'packages/limits',
    'packages/framing',
    'gen/ts',
  ],
  'edge/envoy': ['packages/identity', 'packages/rpc', 'packages/limits', 'gen/ts'],
  clients: ['packages/framing', 'gen/ts', 'clients/typescript'],
};
const PLACES: Record<string, string> = {
  '@realchat/gen': 'gen/ts',
  '@realchat/gateway': 'edge/gateway',
  '@realchat/client': 'clients/typescript',
};

interface Import {
  file: string;
  name: string;
}

const files = ['gen', 'packages', 'services', 'edge', 'clients'].flatMap(sourcesOf);
const imports = files.flatMap((file) => importsOf(file).map((name): Import => ({ file, name })));

describe('imports go one way', () => {
  test('each part imports only what stands under it', () => {
    const product = imports.filter(({ file }) => !isTest(file));
    expect(product.filter((each) => !isAllowed(each)).map(show)).toEqual([]);
  });

  test('a service never imports another service', () => {
    const wrong = imports.filter(({ file, name }) => {
      const target = placeOf(file, name);
      return file.startsWith('services/') && target?.startsWith('services/') && target !== partOf(file);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('handlers know no transport: nothing under rpc/ and domain/ of a service imports grpc-js, a socket or Kafka', () => {
    const transport = /^(@grpc\/|@connectrpc\/|ws$|kafkajs$|node:(http|http2|net|tls)$)/;
    const wrong = imports.filter(
      ({ file, name }) => /^services\/[^/]+\/(rpc|domain)\//.test(file) && !isTest(file) && transport.test(name),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  test('only packages/eventlog knows kafkajs', () => {
    const wrong = imports.filter(({ file, name }) => name === 'kafkajs' && !file.startsWith('packages/eventlog/'));
    expect(wrong.map(show)).toEqual([]);
  });

  test('domain rules do no I/O', () => {
    const io = /^(pg|kysely|ioredis|node:fs.*|@realchat\/(db|eventlog|outbox))$/;
    const wrong = imports.filter(
      ({ file, name }) => /^services\/[^/]+\/domain\//.test(file) && !isTest(file) && io.test(name),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  test('what runs in a browser imports nothing of Node', () => {
    const isomorphic = /^(packages\/framing|clients\/typescript|clients\/web)\//;
    const wrong = imports.filter(
      ({ file, name }) =>
        isomorphic.test(file) && !isTest(file) && !file.endsWith('build.ts') && name.startsWith('node:'),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  test('there is something to check', () => {
    expect(imports.length).toBeGreaterThan(200);
  });
});

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && !file.includes('dist/'))
    .map((file) => join(folder, file));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|(?:^|\n)import\s+['"]([^'"]+)['"]|import\(['"]([^'"]+)['"]\)/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The part of the tree that a file belongs to: `services/auth`, `packages/rpc`, `gen/ts`. */
function partOf(file: string): string {
  return file.split('/').slice(0, 2).join('/');
}

/** The part that an import leads to; undefined for libraries. */
function placeOf(file: string, name: string): string | undefined {
  if (name.startsWith('.')) return partOf(normalize(join(dirname(file), name)));
  const scope = /^@realchat\/[^/]+/.exec(name)?.[0];
  if (!scope) return undefined;
  if (PLACES[scope]) return PLACES[scope];
  const folder = scope.replace('@realchat/', '');
  return ['auth', 'profile', 'messaging', 'delivery', 'operations'].includes(folder)
    ? `services/${folder}`
    : `packages/${folder}`;
}

function isAllowed({ file, name }: Import): boolean {
  const from = partOf(file);
  const target = placeOf(file, name);
  if (!target || target === from) return true;
  const allowed = MAY_IMPORT[from] ?? MAY_IMPORT[from.split('/')[0] ?? ''];
  return allowed?.includes(target) ?? false;
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\/tests?\/|^packages\/testkit\//.test(file);
}

function show({ file, name }: Import): string {
  return `${file} -> ${name}`;
}
