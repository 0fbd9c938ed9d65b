/** How far the handling of a record, or of the batch that starts with it, has failed. */
export interface Failure {
  readonly offset: bigint;
  /** How often the handler has failed. */
  attempts: number;
  /** How often the record has been put off: sets the backoff. */
  delays: number;
  readonly firstAtMs: number;
  /** The last of the records that are tried one by one, after their batch failed. */
  singlyThrough: bigint;
  /** Set once the record is given up: what remains is to set it aside. */
  givenUp: { error: unknown } | undefined;
}

/** The failures at the heads of partitions; there is one at most in each, as nothing overtakes. */
export interface Failures {
  at(partition: number, offset: bigint): Failure;
  /** Handling succeeded up to this offset. */
  over(partition: number, offset: bigint): void;
  /** Whether this record is to be tried by itself. */
  singly(partition: number, offset: bigint): boolean;
}

export function createFailures(): Failures {
  const failures = new Map<number, Failure>();
  return {
    at(partition, offset) {
      const known = failures.get(partition);
      if (known?.offset === offset) return known;
      const fresh: Failure = {
        offset,
        attempts: 0,
        delays: 0,
        firstAtMs: Date.now(),
        singlyThrough: known?.singlyThrough ?? -1n,
        givenUp: undefined,
      };
      failures.set(partition, fresh);
      return fresh;
    },
    over(partition, offset) {
      const known = failures.get(partition);
      if (known && known.singlyThrough <= offset) failures.delete(partition);
    },
    singly: (partition, offset) => offset <= (failures.get(partition)?.singlyThrough ?? -1n),
  };
}
