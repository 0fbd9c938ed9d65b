/** How many messages were due and not yet through, at the beginning of a run and at its end. */
export interface Backlog {
  first: number;
  last: number;
}

/** More than so much time's messages at the end than at the beginning: it grows. */
const SLACK_MS = 50;

/** The mean of a run's samples in its first and its last quarter. */
export function backlogOf(samples: readonly number[]): Backlog {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  return { first: mean(samples.slice(0, quarter)), last: mean(samples.slice(-quarter)) };
}

/** Whether a run left more and more undone: it would not have gone on like this. */
export function grows({ first, last }: Backlog, perSecond: number): boolean {
  return last - first > (perSecond * SLACK_MS) / 1000;
}

function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return Math.round((values.reduce((sum, value) => sum + value, 0) / values.length) * 10) / 10;
}
