/** What a figure was at the middle, and at its bad end. In milliseconds. */
export interface Quantiles {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** So many buckets in every power of two: a value is known to 1/128. */
const BITS = 7;
const PER_OCTAVE = 2 ** BITS;
const LARGEST_MICROS = 2 ** 31 - 1;

/** Counts durations in buckets that widen with the value (log-linear, as an HDR histogram), so that no tail is cut off. */
export class Histogram {
  readonly #counts = new Uint32Array((32 - BITS) * PER_OCTAVE + PER_OCTAVE);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** A duration in milliseconds; below zero counts as zero. */
  record(milliseconds: number): void {
    const micros = Math.min(LARGEST_MICROS, Math.max(0, Math.round(milliseconds * 1000)));
    const bucket = bucketOf(micros);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    if (micros > this.#max) this.#max = micros;
  }

  /** The value that a share of all values (0 to 1) does not exceed, in milliseconds; 0 when there are none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(highestOf(bucket), this.#max) / 1000;
    }
    return 0;
  }

  quantiles(): Quantiles {
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => this.quantile(share)) as [number, number, number];
    return { count: this.#count, p50, p99, p999, max: this.#max / 1000 };
  }
}

function bucketOf(micros: number): number {
  const shift = Math.max(0, 31 - Math.clz32(micros) - BITS);
  return shift * PER_OCTAVE + (micros >>> shift);
}

function highestOf(bucket: number): number {
  if (bucket < 2 * PER_OCTAVE) return bucket;
  const shift = Math.floor(bucket / PER_OCTAVE) - 1;
  return (bucket - shift * PER_OCTAVE + 1) * 2 ** shift - 1;
}
