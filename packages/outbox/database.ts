import { type Client, createClient } from '@realchat/db';

/** A connection that is made when it is needed, and anew after it broke. Statements are pipelined. */
export interface Database {
  client(): Promise<Client>;
  /** Gives the current connection up, as its state is not known any more. */
  drop(): void;
  stop(): Promise<void>;
}

export function createDatabase(options: { url: string; name: string }): Database {
  let current: Promise<Client> | undefined;

  const connect = async (): Promise<Client> => {
    const client = createClient({ ...options, pipeline: true });
    await client.connect();
    return client;
  };
  const drop = (): void => {
    const dropped = current;
    current = undefined;
    dropped?.then((client) => client.end()).catch(() => {});
  };

  return {
    client() {
      if (current) return current;
      const connecting = connect();
      const forget = () => {
        if (current === connecting) current = undefined;
      };
      current = connecting;
      connecting.then((client) => client.on('end', forget), forget);
      return connecting;
    },
    drop,
    async stop() {
      const last = current;
      current = undefined;
      await last?.then((client) => client.end()).catch(() => {});
    },
  };
}
