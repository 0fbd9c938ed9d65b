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

/** Whether the first key, or the next one, is to be made now. */
export async function isKeyDue(pool: Pool, times: KeyTimes): Promise<boolean> {
  const { rows } = await pool.query<{ due: boolean }>(
    `select coalesce(now() >= max(sign_from) + ($1::float8 - $2::float8) * interval '1 millisecond', true) as due
     from signing_key where ${IS_PUBLISHED}`,
    [times.periodMs, times.aheadMs],
  );
  return rows[0]?.due ?? true;
}

/**
 * Stores a key to sign after its time ahead, and lets the others go after theirs; the very first key signs at once. False
 * when another instance has stored one that signs later still, which is enough. `force`: whenever the newest is from.
 */
export async function storeNextKey(pool: Pool, key: NewKey, times: KeyTimes, force = false): Promise<boolean> {
  return await alone(pool, async (client) => {
    const { rows } = await client.query<{ newest: Date | null; due: boolean }>(
      `select max(sign_from) as newest,
              coalesce(now() >= max(sign_from) + ($1::float8 - $2::float8) * interval '1 millisecond', true) as due
       from signing_key where ${IS_PUBLISHED}`,
      [times.periodMs, times.aheadMs],
    );
    if (!rows[0]?.due && !force) return false;
    const aheadMs = rows[0]?.newest ? times.aheadMs : 0;
    await client.query(
      `update signing_key set publish_until = now() + ($1::float8 + $2::float8) * interval '1 millisecond'
       where publish_until is null`,
      [aheadMs, times.retireMs],
    );
    await insertKey(client, key, aheadMs);
    return true;
  });
}

/** Deletes the keys that verify nothing any more. */
export async function deleteRetiredKeys(pool: Pool): Promise<void> {
  await pool.query(`delete from signing_key where not ${IS_PUBLISHED}`);
}

async function insertKey(client: PoolClient, key: NewKey, aheadMs: number): Promise<void> {
  await client.query(
    `insert into signing_key (key_id, public_jwk, sealed_private_jwk, sign_from)
     values ($1, $2, $3, now() + $4::float8 * interval '1 millisecond')`,
    [key.keyId, key.publicJwk, key.sealedPrivateJwk, aheadMs],
  );
}

/** Of several instances that want to change the keys, one does at a time. */
function alone<T>(pool: Pool, change: (client: PoolClient) => Promise<T>): Promise<T> {
  return transaction(pool, async (client) => {
    await client.query('lock table signing_key in share row exclusive mode');
    return await change(client);
  });
}
