import type pg from 'pg';
import type { Posting } from './protocol.ts';

/** The peer's tables. */
export const SCHEMA = `
  create table members (
    conversation_id text not null,
    user_id text not null,
    primary key (conversation_id, user_id)
  );
  create table messages (
    id bigint generated always as identity primary key,
    conversation_id text not null,
    sender_id text not null,
    client_id text not null,
    body text not null,
    created_at timestamptz not null default now()
  );
  create index on messages (conversation_id, id);
`;

const INSERT = `insert into messages (conversation_id, sender_id, client_id, body) values ($1, $2, $3, $4) returning id`;

/** Resolves with the message's id when it is committed. */
export async function insertMessage(pool: pg.Pool, senderId: string, posting: Posting): Promise<number> {
  const { conversationId, clientId, text } = posting;
  const values = [conversationId, senderId, clientId, text];
  const { rows } = await pool.query<{ id: string }>({ name: 'insert', text: INSERT, values });
  return Number(rows[0]?.id);
}

export async function isMember(pool: pg.Pool, conversationId: string, userId: string): Promise<boolean> {
  const text = 'select 1 from members where conversation_id = $1 and user_id = $2';
  const { rowCount } = await pool.query({ text, values: [conversationId, userId] });
  return rowCount === 1;
}
