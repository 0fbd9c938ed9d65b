import type { Pool } from '@realchat/db';

/** A profile as its account's registration makes it. */
export interface NewProfile {
  userId: string;
  username: string;
  /** Microseconds since the epoch. */
  createTimeMicros: bigint;
  /** Of the event that says so, in its account's shard. */
  accountPosition: bigint;
}

/** Makes the profile of a new account. False when this event, or a later one of the account, is in it already. */
export async function makeProfile(pool: Pool, profile: NewProfile): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into profile (user_id, username, display_name, create_time, account_position)
     values ($1, $2, $2, timestamptz 'epoch' + $3 * interval '1 microsecond', $4)
     on conflict (user_id) do update
       set username = excluded.username, account_position = excluded.account_position
       where profile.account_position < excluded.account_position`,
    [profile.userId, profile.username, profile.createTimeMicros, profile.accountPosition],
  );
  return rowCount === 1;
}
