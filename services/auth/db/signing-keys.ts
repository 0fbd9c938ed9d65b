import { type Pool, transaction } from '@realchat/db';
import type { JWK } from 'jose';

/** A signing key as it is kept. */
export interface StoredKey {
  keyId: string;
  publicJwk: JWK;
  sealedPrivateJwk: Buffer;
  /** When it begins to sign, in milliseconds since the epoch. */
  signFrom: number;
}

/** The keys to publish, oldest first. */
export async function readSigningKeys(pool: Pool): Promise<StoredKey[]> {
  const { rows } = await pool.query<{
    key_id: string;
    public_jwk: JWK;
    sealed_private_jwk: Buffer;
    sign_from: Date;
  }>(
    `select key_id, public_jwk, sealed_private_jwk, sign_from from signing_key
     where publish_until is null or publish_until > now()
     order by sign_from, key_id`,
  );
  return rows.map((row) => ({
    keyId: row.key_id,
    publicJwk: row.public_jwk,
    sealedPrivateJwk: row.sealed_private_jwk,
    signFrom: row.sign_from.getTime(),
  }));
}

/** Stores the very first key, which signs at once. Of several instances that start together, one stores its own. */
export async function storeFirstSigningKey(pool: Pool, key: Omit<StoredKey, 'signFrom'>): Promise<boolean> {
  return await transaction(pool, async (client) => {
    await client.query('lock table signing_key in share row exclusive mode');
    const { rowCount } = await client.query(
      `insert into signing_key (key_id, public_jwk, sealed_private_jwk, sign_from)
       select $1, $2, $3, now() where not exists (select 1 from signing_key)`,
      [key.keyId, key.publicJwk, key.sealedPrivateJwk],
    );
    return rowCount === 1;
  });
}
