import type { Redis } from 'ioredis';

/** Uses a connection that is ready; one that does not answer, though it looks open, is made anew. Never rejects. */
export async function useOrRenew(connection: Redis, command: () => Promise<unknown>): Promise<void> {
  if (connection.status !== 'ready') return;
  await command().catch(() => {
    if (connection.status === 'ready') connection.disconnect(true);
  });
}
