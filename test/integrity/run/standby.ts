import { createClient } from '@realchat/db';
import type { Stack } from '@realchat/stack';
import { startTcpProxy, type TcpProxy } from '@realchat/testkit';
import { databaseUrl } from '../../../tools/stack/engines/postgres.ts';

/** The second Postgres of a mesh, and what a manager of failovers does with it. */
export class Standby {
  readonly #stack: Stack;
  readonly #port: number;
  #address: TcpProxy | undefined;

  constructor(stack: Stack, port: number) {
    this.#stack = stack;
    this.#port = port;
  }

  /** Makes it the primary, and has it answer at the address of the one that is gone, as an address that moves does. */
  async takeOver(): Promise<void> {
    await this.ask('select pg_promote()');
    this.#address = await startTcpProxy({ host: '127.0.0.1', port: this.#port }, this.#stack.ports.postgres);
  }

  /** Asks it as a superuser, at an address of its own. Answers the first row. */
  async ask(text: string): Promise<Record<string, unknown>> {
    const passwords = this.#stack.secrets.postgres;
    const client = createClient({ url: databaseUrl({ port: this.#port, passwords }, 'superuser'), name: 'integrity' });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows[0] ?? {};
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#address?.stop();
  }
}
