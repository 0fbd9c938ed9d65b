/** How many shards the log has. Fixed with the topic's version: another number is another topic and another epoch. */
export const SHARD_COUNT = 16;

/** The shard of a conversation: FNV-1a over its id's text. Computed once, when it is made or written to, and stored. */
export function shardOf(conversationId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < conversationId.length; i++) {
    hash = Math.imul(hash ^ conversationId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % SHARD_COUNT;
}
