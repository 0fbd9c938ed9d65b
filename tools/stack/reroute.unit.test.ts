import { expect, test } from 'vitest';
import { rerouted } from './reroute.ts';

const env = {
  GRPC_LISTEN: '127.0.0.1:1543',
  DATABASE_URL: 'postgres://auth:secret@127.0.0.1:1543/auth',
  AUTH_INTERNAL: '127.0.0.1:15432,127.0.0.1:1543',
};

test('one address is replaced wherever it stands, but for where the process itself listens', () => {
  expect(rerouted(env, { '127.0.0.1:1543': '127.0.0.1:9' })).toEqual({
    GRPC_LISTEN: '127.0.0.1:1543',
    DATABASE_URL: 'postgres://auth:secret@127.0.0.1:9/auth',
    AUTH_INTERNAL: '127.0.0.1:15432,127.0.0.1:9',
  });
});

test('without routes nothing changes', () => {
  expect(rerouted(env)).toEqual(env);
});
