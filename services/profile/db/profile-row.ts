/** A profile as it is kept. */
export interface StoredProfile {
  userId: string;
  username: string;
  displayName: string;
  /** Microseconds since the epoch. */
  createTimeMicros: bigint;
}

export interface ProfileRow {
  user_id: string;
  username: string;
  display_name: string;
  create_time_micros: bigint;
}

/** What a ProfileRow is selected by. */
export const PROFILE_COLUMNS = `user_id, username, display_name, (extract(epoch from create_time) * 1000000)::bigint as create_time_micros`;

export function toStoredProfile(row: ProfileRow): StoredProfile {
  return {
    userId: row.user_id,
    username: row.username,
    displayName: row.display_name,
    createTimeMicros: row.create_time_micros,
  };
}
