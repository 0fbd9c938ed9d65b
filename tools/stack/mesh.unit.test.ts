import { parseConfig } from '@realchat/config';
import { describe, expect, it } from 'vitest';
import { meshNames, meshTable, startGroups } from './mesh.ts';
import { meshSettings } from './mesh-settings.ts';
import { defaultPorts } from './ports.ts';

const CURSOR = 'cursor'.padEnd(43, '-');
const SIGNING_KEY = 'signing key'.padEnd(43, '-');

const table = meshTable({
  ports: defaultPorts,
  secrets: {
    postgres: {
      superuser: 'p-super',
      auth: 'p-auth',
      profile: 'p-profile',
      messaging: 'p-messaging',
      delivery: 'p-delivery',
    },
    valkey: 'p-valkey',
    cursor: CURSOR,
    signingKey: SIGNING_KEY,
  },
  kafka: (listener) => `${listener.toLowerCase()}.kafka:1`,
  origins: ['http://localhost:8080', 'https://localhost:8443'],
  webRoot: '/web',
  filesFolder: '/files',
  logLevel: 'info',
});
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
    expect(variables('delivery')['DATABASE_URL']).toBeUndefined();
    expect(variables('gateway')['DATABASE_URL']).toBeUndefined();
  });

  it('gives each client of Kafka a listener of its own', () => {
    const brokers = Object.values(table).flatMap(({ env }) => env['KAFKA_BROKERS'] ?? []);
    expect(brokers).toEqual(['auth.kafka:1', 'profile.kafka:1', 'messaging.kafka:1', 'delivery.kafka:1']);
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
    expect(variables('messaging')['AUTH_INTERNAL']).toBe(variables('auth')['INTERNAL_LISTEN']);
    expect(new URL(variables('delivery')['JWKS_URL'] ?? '').host).toBe(variables('auth')['JWKS_LISTEN']);
  });
});
