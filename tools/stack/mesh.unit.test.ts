import { parseConfig } from '@realchat/config';
import { describe, expect, it } from 'vitest';
import { inEvery, meshNames } from './instances.ts';
import { type MeshContext, meshProcesses, meshTable, startGroups } from './mesh.ts';
import { meshSettings } from './mesh-settings.ts';
import { defaultPorts, nextFreePorts } from './ports.ts';

const CURSOR = 'cursor'.padEnd(43, '-');
const SIGNING_KEY = 'signing key'.padEnd(43, '-');

const context: MeshContext = {
  ports: defaultPorts,
  instances: {},
  secrets: {
    postgres: {
      superuser: 'p-super',
      auth: 'p-auth',
      profile: 'p-profile',
      messaging: 'p-messaging',
      delivery: 'p-delivery',
      operations: 'p-operations',
    },
    valkey: 'p-valkey',
    cursor: CURSOR,
    signingKey: SIGNING_KEY,
  },
  kafka: (listener) => `${listener.toLowerCase()}.kafka:1`,
  origins: ['http://localhost:8080', 'https://localhost:8443'],
  webRoot: '/web',
  tlsFolder: (name) => `/tls/${name}`,
  filesFolder: '/files',
  logLevel: 'info',
};
const table = meshTable(context);
const variables = (name: keyof typeof table) => table[name].env;

describe('the table of the mesh', () => {
  it.each(Object.entries(meshSettings))('gives %s what it asks for', (name, wanted) => {
    expect(() => parseConfig(wanted, variables(name as keyof typeof table))).not.toThrow();
  });

  it('starts each process once', () => {
    expect(startGroups.flat().sort()).toEqual([...meshNames].sort());
  });

  it('gives no two processes the same address to listen on', () => {
    const listens = Object.values(table).flatMap(({ env }) =>
      Object.entries(env).flatMap(([name, value]) => (name.endsWith('_LISTEN') ? [value] : [])),
    );
    expect(new Set(listens).size).toBe(listens.length);
  });

  it('listens on loopback alone', () => {
    for (const { env } of Object.values(table)) {
      for (const [name, value] of Object.entries(env))
        if (name.endsWith('_LISTEN')) expect(value).toMatch(/^127\.0\.0\.1:\d+$/);
    }
  });

  it('lets each service into its own database only; the relay is of messaging', () => {
    expect(variables('auth')['DATABASE_URL']).toBe('postgres://auth:p-auth@127.0.0.1:15432/auth');
    expect(variables('profile')['DATABASE_URL']).toBe('postgres://profile:p-profile@127.0.0.1:15432/profile');
    expect(variables('messaging')['DATABASE_URL']).toBe('postgres://messaging:p-messaging@127.0.0.1:15432/messaging');
    expect(variables('relay')['DATABASE_URL']).toBe(variables('messaging')['DATABASE_URL']);
    expect(variables('delivery')['DATABASE_URL']).toBe('postgres://delivery:p-delivery@127.0.0.1:15432/delivery');
    expect(variables('gateway')['DATABASE_URL']).toBeUndefined();
  });

  it('gives each client of Kafka a listener of its own', () => {
    const brokers = Object.values(table).flatMap(({ env }) => env['KAFKA_BROKERS'] ?? []);
    expect(brokers).toEqual([
      'auth.kafka:1',
      'profile.kafka:1',
      'messaging.kafka:1',
      'delivery.kafka:1',
      'operations.kafka:1',
    ]);
  });

  it('tells a secret only to those who need it', () => {
    const holders = (secret: string) =>
      Object.values(table).flatMap(({ name, env }) => (Object.values(env).includes(secret) ? [name] : []));
    expect(holders(SIGNING_KEY)).toEqual(['auth']);
    expect(holders(CURSOR)).toEqual(['delivery']);
  });

  it('points the readers of addresses at those who listen there', () => {
    const gateway = variables('gateway');
    expect(gateway['AUTH_ADDRESS']).toBe(variables('auth')['GRPC_LISTEN']);
    expect(gateway['PROFILE_ADDRESS']).toBe(variables('profile')['GRPC_LISTEN']);
    expect(gateway['MESSAGING_ADDRESS']).toBe(variables('messaging')['GRPC_LISTEN']);
    expect(gateway['DELIVERY_ADDRESS']).toBe(variables('delivery')['GRPC_LISTEN']);
    expect(variables('delivery')['MESSAGING_INTERNAL']).toBe(variables('messaging')['INTERNAL_LISTEN']);
    expect(variables('operations')['MESSAGING_INTERNAL']).toBe(variables('messaging')['INTERNAL_LISTEN']);
    expect(variables('operations')['DELIVERY_INTERNAL']).toBe(variables('delivery')['INTERNAL_LISTEN']);
    expect(variables('messaging')['AUTH_INTERNAL']).toBe(variables('auth')['INTERNAL_LISTEN']);
    expect(new URL(variables('delivery')['JWKS_URL'] ?? '').host).toBe(variables('auth')['JWKS_LISTEN']);
  });
});

describe('the table of a mesh in twos', async () => {
  const { ports } = await nextFreePorts(async () => true, inEvery(2));
  const rows = meshProcesses({ ...context, ports, instances: inEvery(2) });
  const told = (name: Parameters<typeof rows.get>[0]) => rows.get(name)?.env ?? {};

  it('has two processes of every service; the first bears its name', () => {
    expect([...rows.keys()]).toEqual(meshNames.flatMap((name) => [name, `${name}-2`]));
    expect([told('relay')['INSTANCE_ID'], told('relay-2')['INSTANCE_ID']]).toEqual(['relay-1', 'relay-2']);
  });

  it.each([...rows.values()])('gives $name what it asks for', ({ service, env }) => {
    expect(() => parseConfig(meshSettings[service], env)).not.toThrow();
  });

  it('gives no two processes the same address, file or listener of Kafka', () => {
    const own = [...rows.values()].flatMap(({ env }) =>
      Object.entries(env).flatMap(([name, value]) =>
        /_LISTEN$|^INSTANCE_ID$|^JWKS_CACHE_FILE$|^KAFKA_BROKERS$/.test(name) ? [value] : [],
      ),
    );
    expect(new Set(own).size).toBe(own.length);
    expect(told('delivery-2')['KAFKA_BROKERS']).toBe('delivery_2.kafka:1');
  });

  it('points the readers of addresses at both who listen there', () => {
    const listens = (service: 'auth' | 'profile' | 'messaging' | 'delivery', name: string) =>
      [told(service), told(`${service}-2`)].map((env) => env[name]).join(',');
    for (const gateway of [told('gateway'), told('gateway-2')]) {
      expect(gateway['AUTH_ADDRESS']).toBe(listens('auth', 'GRPC_LISTEN'));
      expect(gateway['PROFILE_ADDRESS']).toBe(listens('profile', 'GRPC_LISTEN'));
      expect(gateway['MESSAGING_ADDRESS']).toBe(listens('messaging', 'GRPC_LISTEN'));
      expect(gateway['DELIVERY_ADDRESS']).toBe(listens('delivery', 'GRPC_LISTEN'));
    }
    expect(told('delivery')['MESSAGING_INTERNAL']).toBe(listens('messaging', 'INTERNAL_LISTEN'));
    expect(told('operations-2')['DELIVERY_INTERNAL']).toBe(listens('delivery', 'INTERNAL_LISTEN'));
    expect(told('messaging-2')['AUTH_INTERNAL']).toBe(listens('auth', 'INTERNAL_LISTEN'));
    const keys = told('delivery')
      ['JWKS_URL']?.split(',')
      .map((url) => new URL(url).host);
    expect(keys?.join(',')).toBe(listens('auth', 'JWKS_LISTEN'));
  });
});
