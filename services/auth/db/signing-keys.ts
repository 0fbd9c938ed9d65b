import { type Pool, type PoolClient, transaction } from '@realchat/db';
import type { JWK } from 'jose';
import type { KeyTimes } from '../domain/key-times.ts';

/** A key that was made just now. */
export interface NewKey {
  keyId: string;
  publicJwk: JWK;
  sealedPrivateJwk: Buffer;
}

/** A signing key as it is kept. */
export interface StoredKey extends NewKey {
  /** When it begins to sign, in milliseconds since the epoch. */
  signFrom: number;
  /** When it ceases to be published, in milliseconds since the epoch; undefined until another one is to follow. */
  publishUntil: number | undefined;
}

const IS_PUBLISHED = '(publish_until is null or publish_until > now())';

const NEWEST = 'order by sign_from desc, key_id desc limit 1';

const IS_DUE = `select max(sign_from) is null as first, coalesce(max(sign_from) <= now(), true) as due
  from signing_key where ${IS_PUBLISHED}`;

/** The keys to publish, oldest first. */
export async function readSigningKeys(pool: Pool): Promise<StoredKey[]> {
  const { rows } = await pool.query<{
    key_id: string;
    public_jwk: JWK;
    sealed_private_jwk: Buffer;
    sign_from: Date;
    publish_until: Date | null;
  }>(
    `select key_id, public_jwk, sealed_private_jwk, sign_from, publish_until from signing_key
     where ${IS_PUBLISHED} order by sign_from, key_id`,
  );
  return rows.map((row) => ({
    keyId: row.key_id,
    publicJwk: row.public_jwk,
    sealedPrivateJwk: row.sealed_private_jwk,
    signFrom: row.sign_from.getTime(),
    publishUntil: row.publish_until?.getTime(),
  }));
}

/** Whether a key is to be made now: the newest has begun to sign, or there is none. */
export async function isKeyDue(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ due: boolean }>(IS_DUE);
  return rows[0]?.due ?? true;
}

/**
 * Stores the next key, to sign when the one before it has signed for its time; the very first signs at once. False when
 * another instance was faster.
 */
export async function storeNextKey(pool: Pool, key: NewKey, times: KeyTimes): Promise<boolean> {
  return await alone(pool, async (client) => {
    const { rows } = await client.query<{ due: boolean; first: boolean }>(IS_DUE);
    if (!rows[0]?.due) return false;
    await client.query(
      `update signing_key set publish_until = now() + ($1::float8 + $2::float8) * interval '1 millisecond'
       where key_id = (select key_id from signing_key where ${IS_PUBLISHED} ${NEWEST})`,
      [times.periodMs, times.retireMs],
    );
    await insertKey(client, key, rows[0].first ? 0 : times.periodMs);
    return true;
  });
}

/** Has the next key sign now, ahead of its time. Throws when not every verifier can know it yet. */
export async function promoteNextKey(pool: Pool, times: KeyTimes): Promise<void> {
  await alone(pool, async (client) => {
    const { rows } = await client.query<{ key_id: string }>(
      `update signing_key set sign_from = now()
       where publish_until is null and sign_from > now() and create_time < now() - $1::float8 * interval '1 millisecond'
       returning key_id`,
      [times.knownMs],
    );
    if (!rows[0]) throw new Error(`no next key has been published for ${times.knownMs / 1_000} s yet; come back later`);
    await client.query(
      `update signing_key set publish_until = least(publish_until, now() + $2::float8 * interval '1 millisecond')
       where key_id <> $1`,
      [rows[0].key_id, times.retireMs],
    );
  });
}

/**
 * Takes a key out at once: no token of it counts any more where that is known. If it was the one that signs, the next one
 * does, which is known everywhere already; without one, the replacement. Throws when there is no such key.
 */
export async function withdrawKey(pool: Pool, keyId: string, replacement: NewKey): Promise<void> {
  await alone(pool, async (client) => {
    const { rows } = await client.query<{ key_id: string }>(
      `select key_id from signing_key where ${IS_PUBLISHED} and sign_from <= now() ${NEWEST}`,
    );
    const { rowCount } = await client.query(
      `update signing_key set publish_until = now() where key_id = $1 and ${IS_PUBLISHED}`,
      [keyId],
    );
    if (rowCount !== 1) throw new Error('no key of this id is published');
    if (rows[0]?.key_id !== keyId) return;
    // None that was replaced before signs again: its end is near.
    const promoted = await client.query('update signing_key set sign_from = now() where publish_until is null');
    if (promoted.rowCount === 0) await insertKey(client, replacement, 0);
  });
}

/** Deletes the keys that verify nothing any more. */
export async function deleteRetiredKeys(pool: Pool): Promise<void> {
  await pool.query(`delete from signing_key where not ${IS_PUBLISHED}`);
}

async function insertKey(client: PoolClient, key: NewKey, signInMs: number): Promise<void> {
  await client.query(
    `insert into signing_key (key_id, public_jwk, sealed_private_jwk, sign_from)
     values ($1, $2, $3, now() + $4::float8 * interval '1 millisecond')`,
    [key.keyId, key.publicJwk, key.sealedPrivateJwk, signInMs],
  );
}

/** Of several instances that want to change the keys, one does at a time. */
function alone<T>(pool: Pool, change: (client: PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, async (client) => {
    await client.query('lock table signing_key in share row exclusive mode');
    return await change(client);
  });
}
