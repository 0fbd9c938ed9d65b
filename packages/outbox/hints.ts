/** The channel on which writers tell that there are new rows, and relays that there are free shards. */
export const CHANNEL = 'realchat_outbox';

const SHARDS_FREE = 'free';

/** What a notification says. */
export type Hint = { kind: 'rows'; shards: number[] } | { kind: 'free' };

export function encodeHint(hint: Hint): string {
  return hint.kind === 'free' ? SHARDS_FREE : hint.shards.join(',');
}

/** Reads a notification; undefined when it is none of ours. */
export function decodeHint(payload: string | undefined): Hint | undefined {
  if (payload === SHARDS_FREE) return { kind: 'free' };
  if (!payload || !/^\d{1,9}(,\d{1,9})*$/.test(payload)) return undefined;
  return { kind: 'rows', shards: payload.split(',').map(Number) };
}
