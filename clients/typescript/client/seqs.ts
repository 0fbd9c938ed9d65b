/** The greater of two, of which one may not be known. */
export function greatest(one: bigint, other: bigint | undefined): bigint {
  return other === undefined || one > other ? one : other;
}

/** The smaller of two that are known; undefined when none is. */
export function least(one: bigint | undefined, other: bigint | undefined): bigint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}
