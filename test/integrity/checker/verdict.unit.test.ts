import { describe, expect, test } from 'vitest';
import type { History, Run } from '../history/history.ts';
import { readHistory } from '../history/read-history.ts';
import { makeReport, tellReport } from '../run/report.ts';
import { check, type Verdict } from './check.ts';
import { deviceOf, goodHistory, readOf, SIZE, steadyPick, verdictsOf } from './good-history.ts';
import { makeLines } from './made-history.ts';

describe('what cannot be told is unknown, never true', () => {
  const verdicts = (history: History) => new Set(verdictsOf(history).map((each) => each.verdict));

  test('a fault that did not bite', () => {
    const history = goodHistory();
    Object.assign(history.faults[0] as object, { bit: false, proof: 'nothing was in flight' });
    expect(verdicts(history)).toEqual(new Set(['unknown']));
    expect(verdictsOf(history)[0]?.reason).toBe('F-00 did not bite: nothing was in flight');
  });

  test('a fault that made the product do what it must not is false, though nobody else could see it', () => {
    const history = goodHistory();
    const breach = { invariant: 'I14', text: 'not ended in good order: messaging' };
    Object.assign(history.faults[0] as object, { breach });
    const found = verdictsOf(history).filter(({ verdict }) => verdict === false);
    expect(found).toMatchObject([{ id: 'I14', counterExample: { text: 'F-00: not ended in good order: messaging' } }]);
  });

  test('a client that died', () => {
    const history = goodHistory();
    deviceOf(history).died = 'out of memory';
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  test('a client that is away at the end', () => {
    const history = goodHistory();
    // Not the one of whom others are told that they are online.
    Object.assign(history.devices[1] as object, { connected: false });
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  test('too few messages', () => {
    expect(check(goodHistory(), { leastAcked: 1000 }).verdict).toBe('unknown');
  });

  test('a topic that nobody read, while all else is told', () => {
    const history = goodHistory();
    history.published = undefined;
    expect(verdictsOf(history).find((each) => each.id === 'I13')?.verdict).toBe('unknown');
    history.stored = undefined;
    const unknown = verdictsOf(history).filter((each) => each.verdict === 'unknown');
    expect(unknown.map((each) => each.id)).toEqual(['I13']);
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  test('counts of a consumer that nobody read', () => {
    const history = goodHistory();
    history.activity = undefined;
    expect(verdictsOf(history).find((each) => each.id === 'I13')?.verdict).toBe('unknown');
  });

  test('dead letters that nobody looked for', () => {
    const history = goodHistory();
    history.deadLetters = undefined;
    expect(unknownOf(history)).toEqual({ I13: 'the dead letters could not be read' });
  });

  test('a fault that was planned and never begun, and which one', () => {
    const history = goodHistory();
    runOf(history).planned.push('F-77');
    expect(verdictsOf(history)[0]?.reason).toBe('F-77 was planned and not begun: the run ended before its turn');
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  const gone: [what: string, id: string, take: (history: History) => void][] = [
    ['nobody read back', 'I1', (h) => (h.reads = [])],
    ['nobody logged out', 'I9', (h) => void h.devices.splice(-1, h.sessions.splice(0).length)],
    [
      'nobody called for long enough after a logout',
      'I9',
      (h) => {
        for (const each of h.sessions) each.refused = each.refused.slice(0, 1);
      },
    ],
    ['nobody was told who is online', 'I10', (h) => (h.presence = [])],
    ['nobody looked at what waits to be published', 'I11', (h) => (h.backlog = [])],
    ['no process was measured', 'I12', (h) => (h.processes = [])],
    ['no process was measured after the last fault', 'I12', (h) => void h.processes.pop()],
  ];
  test.each(gone)('%s, in a run that was to: the whole is unknown', (_what, id, take) => {
    const history = goodHistory();
    take(history);
    expect(Object.keys(unknownOf(history))).toEqual([id]);
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  test('and what is found wrong is false all the same', () => {
    const history = goodHistory();
    history.faults = [];
    deviceOf(history).died = 'out of memory';
    readOf(history).messages.pop();
    expect(check(history).verdict).toBe(false);
  });
});

describe('what a run of its kind cannot show is not judged, with the reason, and spoils nothing', () => {
  const notJudged = (history: History) => reasonsOf(history, 'not judged');

  /** Nobody looked into the mesh, and nothing was done to it. */
  function fromOutside(history: History): History {
    history.faults = [];
    Object.assign(runOf(history), { mesh: 'other', planned: [] });
    const nothing = { stored: undefined, published: undefined, activity: undefined, deadLetters: undefined };
    return Object.assign(history, { ...nothing, poison: [], processes: [], backlog: [] });
  }

  test('the mesh of somebody else', () => {
    const history = fromOutside(goodHistory());
    expect(check(history, { leastAcked: 10 }).verdict).toBe(true);
    expect(notJudged(history)).toEqual({
      I11: 'there was no fault to recover from',
      I12: 'there was no fault to compare before and after',
      I13: 'the log and the topic of this mesh cannot be looked into',
      I14: 'nothing was restarted in good order',
    });
  });

  test('a mesh of the run’s own can be looked into: who did not look does not know', () => {
    const history = fromOutside(goodHistory());
    runOf(history).mesh = 'own';
    expect(Object.keys(unknownOf(history))).toEqual(['I13']);
    expect(check(history, { leastAcked: 10 }).verdict).toBe('unknown');
  });

  test('memory, when the first fault comes before processes are warm, or the machine does not tell', () => {
    const history = goodHistory();
    runOf(history).beganAt = (history.faults[0]?.from ?? 0) - 12_000;
    const reason = 'the first fault came after 12 s, and processes are warm after 60';
    expect(notJudged(history)).toEqual({ I12: reason });
    expect(check(history, { leastAcked: 10 }).verdict).toBe(true);
    const other = goodHistory();
    Object.assign(runOf(other), { measures: false });
    expect(notJudged(other)).toEqual({ I12: 'this machine does not tell what a process takes' });
  });

  test('what a history was not made for, when it is of no run of the kit', () => {
    const history = Object.assign(goodHistory(), { run: undefined, sessions: [], presence: [] });
    history.devices = history.devices.filter(({ connected }) => connected);
    expect(Object.keys(notJudged(history))).toEqual(['I9', 'I10']);
    expect(check(history, { leastAcked: 10 }).verdict).toBe(true);
  });

  test('and the report says so in its first line', () => {
    const history = fromOutside(goodHistory());
    history.sends = Array.from({ length: 3 }, () => history.sends).flat();
    const report = makeReport(history, { seed: 1, commit: 'c', command: '' });
    const [first] = tellReport(report).split('\n');
    expect(first).toBe('seed 1, commit c: TRUE (not judged: I11, I12, I13, I14)');
    expect(tellReport(report)).toContain('\n- I14 graceful: not judged, nothing was restarted in good order\n');
  });
});

test('older histories say by what is in them whose mesh it was', () => {
  const lines = makeLines(steadyPick(), SIZE).map((line) => {
    if (line.type !== 'run') return line;
    const { at, type, seed, commit } = line;
    return { at, type, seed, commit, faults: [] };
  });
  expect(readHistory(lines).run?.mesh).toBe('own');
  const outside = lines.filter(({ type }) => !['sample', 'stored', 'published', 'fault'].includes(type));
  expect(readHistory(outside).run?.mesh).toBe('other');
});

test('the report tells of every fault that was asked for whether it had its turn, and why not', () => {
  const history = goodHistory();
  Object.assign(runOf(history), {
    planned: ['F-00', 'F-01'],
    leftOut: [{ id: 'F-29', reason: 'is a series by hand' }],
  });
  const report = makeReport(history, { seed: 1, commit: 'c', command: '' });
  expect(report.schedule).toEqual([
    { id: 'F-00', isPlanned: true, begun: true },
    { id: 'F-01', isPlanned: true, begun: false, reason: 'the run ended before its turn' },
    { id: 'F-29', isPlanned: false, begun: false, reason: 'is a series by hand' },
  ]);
  expect(tellReport(report)).toContain(
    [
      '1 of 2 planned faults were begun: F-00',
      'F-01 was not begun: the run ended before its turn',
      'F-29 was left out: is a series by hand',
    ].join('\n'),
  );
});

function runOf({ run }: History): Run {
  if (!run) throw new Error('it is of no run');
  return run;
}

function unknownOf(history: History): Record<string, string> {
  return reasonsOf(history, 'unknown');
}

function reasonsOf(history: History, wanted: Verdict['verdict']): Record<string, string> {
  const meant = verdictsOf(history).filter(({ verdict }) => verdict === wanted);
  return Object.fromEntries(meant.map(({ id, reason = '' }) => [id, reason]));
}
