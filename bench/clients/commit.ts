import pg from 'pg';
import type { ClientKind } from './chat-client.ts';

/** The floor: one INSERT and its commit, on a connection of the user's own. `address` is the database's URL. */
export const commitClient: ClientKind = {
  receives: false,
  async connect(address) {
    const client = new pg.Client({ connectionString: address });
    await client.connect();
    const text = 'insert into commits (conversation_id, client_id, body) values ($1, $2, $3) returning id';
    const insert = async (values: string[]) => {
      const { rows } = await client.query<{ id: string }>({ name: 'commit', text, values });
      return Number(rows[0]?.id);
    };
    // A connection carries one statement at a time.
    let last: Promise<unknown> = Promise.resolve();
    return {
      send(...values) {
        const inserted = last.then(() => insert(values));
        last = inserted.catch(() => {});
        return inserted;
      },
      close: () => client.end(),
    };
  },
};
