import { expect, test } from 'vitest';
import { check } from '../checker/check.ts';
import { goodHistory, isMessage, pushes } from '../checker/good-history.ts';
import type { History } from '../history/history.ts';
import { makeReport, tellReport } from './report.ts';

const about = { seed: 7, commit: 'none', command: '--seed 7' };
const exceeded = (history: History) =>
  makeReport(history, about).ceilings.flatMap(({ id, kept }) => (kept === false ? [id] : []));

/** The newest record of the topic, once more. */
function publishTwice(history: History): void {
  const last = history.published?.at(-1);
  if (last) history.published?.push(last);
}

/** A push to a device, once more. */
function showTwice(history: History): void {
  const push = pushes(history).find(isMessage);
  if (push) pushes(history).push({ ...push, at: push.at + 1 });
}

const cases: [what: string, ceiling: string, mutate: (history: History) => void][] = [
  ['a record is in the topic twice, and no fault accounts for it', 'records', publishTwice],
  [
    'an event is shown twice in a run without faults',
    'duplicates',
    (history) => {
      history.faults = [];
      showTwice(history);
    },
  ],
  [
    'a record is in the topic twice in a run without faults',
    'duplicates',
    (history) => {
      history.faults = [];
      publishTwice(history);
    },
  ],
  [
    'events stay unpublished after a fault has healed',
    'published',
    (history) => {
      history.backlog = [{ at: 1e6, committed: 5_000, published: 10 }];
    },
  ],
];

test.each(cases)('when %s, the ceiling of %s is exceeded, and the whole is false', (_, ceiling, mutate) => {
  const history = goodHistory();
  expect(exceeded(history)).toEqual([]);
  mutate(history);
  expect(exceeded(history)).toContain(ceiling);
  const report = makeReport(history, about);
  expect(report.verdict).toBe(false);
  expect(tellReport(report)).toMatch(/^seed 7, commit none: FALSE/);
});

test('what a fault may leave in the topic twice is no more than that', () => {
  const history = goodHistory();
  for (const fault of history.faults) fault.recordsTwice = 1;
  publishTwice(history);
  expect(exceeded(history)).toEqual([]);
  publishTwice(history);
  expect(exceeded(history)).toEqual(['records']);
});

test('a ceiling that is exceeded makes the whole false where no invariant is', () => {
  const history = goodHistory();
  history.faults = [];
  showTwice(history);
  expect(check(history).verdicts.filter(({ verdict }) => verdict === false)).toEqual([]);
  expect(makeReport(history, about).verdict).toBe(false);
});

test('nothing that was measured is neither kept nor exceeded', () => {
  const history = goodHistory();
  history.published = undefined;
  const { ceilings } = makeReport(history, about);
  expect(ceilings.find(({ id }) => id === 'records')).toMatchObject({ kept: 'unknown', worst: undefined });
});
