/** How many shards are this relay's: all relays count alike, so the shares add up. */
export function shareOf(owner: string, members: string[], shards: number): number {
  const rank = members.indexOf(owner);
  if (rank < 0) return 0;
  return Math.floor(shards / members.length) + (rank < shards % members.length ? 1 : 0);
}
