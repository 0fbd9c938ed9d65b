interface Range {
  from: bigint;
  to: bigint;
}

/** A set of seqs, kept as the stretches that it consists of. */
export class SeqRanges {
  // Ascending, none touching the next.
  #ranges: Range[] = [];

  /** Adds all seqs from `from` to `to`, both included; nothing when `to` is the smaller one. */
  add(from: bigint, to: bigint): void {
    if (to < from) return;
    const joined = { from, to };
    const apart: Range[] = [];
    for (const range of this.#ranges) {
      if (range.to + 1n < joined.from || joined.to + 1n < range.from) {
        apart.push(range);
        continue;
      }
      if (range.from < joined.from) joined.from = range.from;
      if (range.to > joined.to) joined.to = range.to;
    }
    const place = apart.findIndex((range) => range.from > joined.to);
    apart.splice(place < 0 ? apart.length : place, 0, joined);
    this.#ranges = apart;
  }

  has(seq: bigint): boolean {
    return this.#ranges.some((range) => range.from <= seq && seq <= range.to);
  }

  /** The last seq of the unbroken stretch that starts at or before `seq` and holds it; `seq - 1` when it is not in the set. */
  endFrom(seq: bigint): bigint {
    return this.#ranges.find((range) => range.from <= seq && seq <= range.to)?.to ?? seq - 1n;
  }

  /** The greatest seq, 0 when the set is empty. */
  get last(): bigint {
    return this.#ranges.at(-1)?.to ?? 0n;
  }

  /** Forgets every seq smaller than `seq`. */
  dropBefore(seq: bigint): void {
    this.#ranges = this.#ranges
      .filter((range) => range.to >= seq)
      .map((range) => (range.from < seq ? { from: seq, to: range.to } : range));
  }
}
