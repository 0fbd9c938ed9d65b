import { inject } from 'vitest';

/** The address of the shared Valkey, as REDIS_URL has it. Files that run at the same time share what is in it. */
export function redisUrl(): string {
  return inject('redisUrl');
}
