import { expect, test } from 'vitest';
import type { Fault, History } from '../history/history.ts';
import { broken, deviceOf, goodHistory, isMessage, type Push, pushes, verdictsOf } from './good-history.ts';
import { acksOf } from './violation.ts';

const theFault = (history: History): Fault => {
  const [fault] = history.faults;
  if (!fault) throw new Error('there is no fault');
  return fault;
};

/** Shows a device a message at a time that follows from when it was acked: the first one that `when` takes. */
function showAt(history: History, when: (ackedAt: number) => boolean, at: (ackedAt: number) => number): void {
  const ackOf = ({ event }: Push) =>
    history.sends
      .filter(({ conversation }) => conversation === event.conversation)
      .flatMap(acksOf)
      .find(({ seq }) => seq === event.seq)?.at ?? Number.NaN;
  const push = (pushes(history).filter(isMessage) as Push[]).find((each) => when(ackOf(each)));
  if (!push) throw new Error('no message is one of those');
  push.at = at(ackOf(push));
}

const SECOND = 1_000;

test.each([
  ['9 s', 9, false],
  ['11 s', 11, true],
])('what is shown %s after its ack, without a fault, is late: %3$s', (_, seconds, isLate) => {
  const history = goodHistory();
  history.faults = [];
  showAt(
    history,
    () => true,
    (ackedAt) => ackedAt + seconds * SECOND,
  );
  expect(broken(history).includes('I11')).toBe(isLate);
});

test.each([
  ['acked before a fault, and shown 9 s after its healing', false, 9, false],
  ['acked before a fault, and shown 11 s after its healing', false, 11, true],
  ['acked in a fault, and shown 9 s after its healing', true, 9, false],
  ['acked in a fault, and shown 11 s after its healing', true, 11, true],
])('what is %s is late: %4$s', (_, isDuring, seconds, isLate) => {
  const history = goodHistory();
  const fault = theFault(history);
  const when = (at: number) => (isDuring ? fault.from <= at && at <= fault.healedAt : at < fault.from);
  showAt(history, when, () => fault.healedAt + seconds * SECOND);
  expect(broken(history).includes('I11')).toBe(isLate);
});

test('faults that follow each other closely put off what is due; one that begins when it is due no more does not', () => {
  const history = goodHistory();
  const first = theFault(history);
  const next = (afterMs: number): Fault => ({
    ...first,
    from: first.healedAt + afterMs,
    healedAt: first.healedAt + afterMs + SECOND,
  });
  const { sends, backlog } = history;
  // Both are judged after all that was sent and looked at.
  const last = Math.max(...sends.map(({ invokedAt }) => invokedAt), ...backlog.map(({ at }) => at));
  for (const [afterMs, isLate] of [
    [9 * SECOND, false],
    [11 * SECOND, true],
  ] as const) {
    const fault = next(afterMs);
    const two = { ...history, faults: [first, fault] };
    two.backlog = [...backlog, { at: Math.max(last, fault.healedAt), committed: 0, published: 0 }];
    showAt(
      two,
      (at) => at < first.from,
      () => fault.healedAt + 9 * SECOND,
    );
    expect(broken(two).includes('I11'), `a fault ${afterMs} ms after the first`).toBe(isLate);
  }
});

test('sends that are not back at nine tenths of their rate within 30 s of a healing are found', () => {
  const history = goodHistory();
  const { healedAt } = theFault(history);
  const after = history.sends.filter(({ invokedAt }) => invokedAt > healedAt);
  for (const send of after) for (const ack of acksOf(send)) ack.at += 60 * SECOND;
  const last = after.at(-1);
  if (!last) throw new Error('nothing was sent after the fault');
  last.invokedAt = healedAt + 40 * SECOND;
  for (const ack of acksOf(last)) ack.at = last.invokedAt + 60 * SECOND;
  const { counterExample } = verdictsOf(history).find(({ id }) => id === 'I11') ?? {};
  expect(counterExample?.text).toMatch(/sends were not back at their rate/);
});

test('what is not told of what run it is may have had faults that are not told', () => {
  const history = goodHistory();
  Object.assign(history, { faults: [], run: undefined });
  showAt(
    history,
    () => true,
    (ackedAt) => ackedAt + 60 * SECOND,
  );
  expect(broken(history)).not.toContain('I11');
});

test('what nobody is connected to see at the end is not late', () => {
  const history = goodHistory();
  history.faults = [];
  showAt(
    history,
    () => true,
    (ackedAt) => ackedAt + 60 * SECOND,
  );
  deviceOf(history).connected = false;
  expect(broken(history)).not.toContain('I11');
});
