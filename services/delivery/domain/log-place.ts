const MAX_SHARDS = 64;

/** A shard and a position of it in one number, exact for positions up to 2^47. Never 0, as positions begin at 1. */
export function placeOf(shard: number, position: number): number {
  return position * MAX_SHARDS + shard;
}

/** True when both are of one shard, where the greater place is the later one. */
export function sameShard(a: number, b: number): boolean {
  return a % MAX_SHARDS === b % MAX_SHARDS;
}
