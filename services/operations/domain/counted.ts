/** Which events of a conversation are counted: every one up to `seq` that is in no gap. Gaps have both of their ends. */
export interface Counted {
  seq: bigint;
  gaps: { from: bigint; to: bigint }[];
}

/** Counts an event: what is counted then; undefined when it is already. */
export function count({ seq, gaps }: Counted, next: bigint): Counted | undefined {
  if (next > seq) return { seq: next, gaps: next > seq + 1n ? [...gaps, { from: seq + 1n, to: next - 1n }] : gaps };
  const gap = gaps.find(({ from, to }) => from <= next && next <= to);
  if (!gap) return undefined;
  const rest = [
    { from: gap.from, to: next - 1n },
    { from: next + 1n, to: gap.to },
  ].filter(({ from, to }) => from <= to);
  return { seq, gaps: gaps.flatMap((each) => (each === gap ? rest : [each])) };
}
