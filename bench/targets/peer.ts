import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createStack, type Progress } from '@realchat/stack';
import { SignJWT } from 'jose';
import type pg from 'pg';
import type { Pair } from '../load/step.ts';
import { SCHEMA } from '../peers/socketio/database.ts';
import { connectDatabase, databaseSettings, superuserUrl, walBytes } from './database.ts';
import type { System } from './target.ts';

const DATABASE = 'peer';
const SERVER = new URL('../peers/socketio/server-main.ts', import.meta.url);

/** For the floor, beside the peer's own tables. */
const COMMITS = `
  create table commits (
    id bigint generated always as identity primary key,
    conversation_id text not null,
    client_id text not null,
    body text not null
  )`;

/** The Socket.IO chat and a Postgres of its own: the same version and settings as RealChat's. */
export async function startPeer(options: { folder: string; pairs: number; progress: Progress }): Promise<System> {
  const { folder: dataDir, progress } = options;
  const stack = await createStack({ dataDir, ports: 'private', parts: ['postgres'], progress });
  let server: ChildProcess | undefined;
  try {
    await stack.start();
    const owner = await connectDatabase(stack);
    await owner.query(`create database ${DATABASE}`);
    await owner.end();
    const database = await connectDatabase(stack, DATABASE);
    await database.query(SCHEMA + COMMITS);
    const url = superuserUrl(stack, DATABASE);
    const secret = randomBytes(32).toString('base64url');
    const process = fork(SERVER, { env: { ...globalThis.process.env, DATABASE_URL: url, TOKEN_SECRET: secret } });
    server = process;
    const [{ port }] = (await once(process, 'message')) as [{ port: number }];
    const pairs = await makePairs(database, options.pairs, Buffer.from(secret));
    const postgres = stack.process('postgres');
    return {
      roots: () =>
        new Map([
          ['socket.io', process.pid ?? -1],
          ['postgres', postgres.pid ?? -1],
        ]),
      address: (client) => (client === 'commit' ? url : `http://127.0.0.1:${port}`),
      pairs: async () => pairs,
      walBytes: () => walBytes(database),
      settings: async () => ({ edge: 'none', ...(await databaseSettings(database)) }),
      stop: async () => {
        process.disconnect();
        await database.end();
        await stack.stop();
      },
    };
  } catch (error) {
    server?.disconnect();
    await stack.stop();
    throw error;
  }
}

async function makePairs(database: pg.Client, count: number, secret: Uint8Array): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const conversation = randomUUID();
    const newMember = async () => {
      const id = randomUUID();
      await database.query('insert into members values ($1, $2)', [conversation, id]);
      const token = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject(id).setExpirationTime('12h');
      return { id, token: await token.sign(secret), conversations: [conversation] };
    };
    pairs.push({ conversation, users: [await newMember(), await newMember()] });
  }
  return pairs;
}
