import type { Figure, LatencyFigures } from './summary.ts';

/** A median with its extremes, `1.51 (1.40-1.70)`; the median alone when all rounds agree. */
export function withRange({ median, min, max }: Figure, digits = 0): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return low === high ? `${middle}` : `${middle} (${low}-${high})`;
}

/** Medians of p50 / p99 / p99.9. */
export function latencyText({ p50, p99, p999 }: LatencyFigures): string {
  return [p50, p99, p999].map(({ median }) => milliseconds(median)).join(' / ');
}

/** With as many digits as can be believed. */
function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** How many times as much: `0.85x`. */
export function ratioText(of: number, to: number): string {
  return to === 0 ? '-' : `${(of / to).toFixed(2)}x`;
}
