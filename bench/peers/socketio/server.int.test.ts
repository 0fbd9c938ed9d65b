import { randomBytes } from 'node:crypto';
import { createEmptyDatabase } from '@realchat/testkit';
import { SignJWT } from 'jose';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { SCHEMA } from './database.ts';
import type { PostedMessage } from './protocol.ts';
import { servePeer } from './server.ts';

// The peer is naive, and what it claims it does: a comparison with something broken would be worth nothing.

const secret = randomBytes(32);
const posting = { conversationId: 'c', clientId: 'k', text: 'hello' };

let pool: pg.Pool;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  pool = new pg.Pool({ connectionString: await createEmptyDatabase(inject('postgresUrl')) });
  await pool.query(SCHEMA);
  await pool.query(`insert into members values ('c', 'ada'), ('c', 'ben')`);
  port = await servePeer(pool, secret);
});
afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await pool.end();
});

async function open(userId: string, key: Uint8Array = secret): Promise<Socket> {
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject(userId).sign(key);
  const socket = io(`http://127.0.0.1:${port}`, { auth: { token }, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

describe('the peer', () => {
  test('answers a message with the row that is committed, and tells the others in the room', async () => {
    const [ada, ben] = [await open('ada'), await open('ben')];
    for (const socket of [ada, ben]) expect(await socket.emitWithAck('join', 'c')).toEqual({});
    const told = new Promise<PostedMessage>((resolve) => ben.once('message', resolve));
    const { id } = await ada.emitWithAck('post', posting);
    const { rows } = await pool.query('select sender_id, client_id, body from messages where id = $1', [id]);
    expect(rows).toEqual([{ sender_id: 'ada', client_id: 'k', body: 'hello' }]);
    expect(await told).toEqual({ id, senderId: 'ada', ...posting });
  });

  test('lets nobody in with a token of another key', async () => {
    await expect(open('ada', randomBytes(32))).rejects.toThrow('unauthenticated');
  });

  test('lets nobody post who is no member or has not joined', async () => {
    const eve = await open('eve');
    expect(await eve.emitWithAck('join', 'c')).toEqual({ error: 'not a member' });
    expect(await eve.emitWithAck('post', posting)).toEqual({ error: 'not a member' });
  });

  test('answers a failed insert with an error, not with an ack', async () => {
    const ada = await open('ada');
    await ada.emitWithAck('join', 'c');
    expect(await ada.emitWithAck('post', { ...posting, text: null })).toEqual({ error: expect.any(String) });
  });
});
