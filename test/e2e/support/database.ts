import { createClient } from '@realchat/db';
import type { MeshName } from '@realchat/stack';
import type { Mesh } from './mesh.ts';

/** Runs one statement as the role of a service, in its database. Answers the rows. */
export async function inDatabase(
  mesh: Mesh,
  role: MeshName,
  statement: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = createClient({ url: mesh.stack.environment(role).DATABASE_URL ?? '', name: 'e2e' });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement, values)).rows;
  } finally {
    await client.end();
  }
}
