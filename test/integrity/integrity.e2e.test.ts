import { expect, test } from 'vitest';
import { faultsOf } from './faults/catalogue.ts';
import { readHistory } from './history/read-history.ts';
import { makeReport, tellReport } from './run/report.ts';
import { runAgainstOwnMesh } from './run/targets.ts';

/** What of the matrix belongs to every run of the tests; the rest are commands. */
const SELECTION = ['F-01-relay', 'F-11', 'F-01-messaging', 'F-01-delivery', 'F-01-gateway'];

test('two of every service under a kill -9 of each: nothing is lost, doubled, out of order, or shown to a stranger', async () => {
  const seed = 1 + Math.floor(Math.random() * 1e6);
  const faults = faultsOf(SELECTION);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  const load = { minutes: 1, warmUp: 5, rate: 60, devices: 12, instances: 2, file: undefined };
  const lines = await runAgainstOwnMesh({ seed, commit: '', faults, say, ...load });

  const report = makeReport(readHistory(lines), { seed, commit: '', command: SELECTION.join(',') });
  say(tellReport(report));
  expect(report.faults.map(({ id, bit }) => `${id} ${bit}`).toSorted()).toEqual(
    SELECTION.map((id) => `${id} true`).toSorted(),
  );
  expect(report.verdicts.filter(({ verdict }) => verdict === false)).toEqual([]);
  expect(report.verdict).toBe(true);
  expect(report.ceilings.filter(({ kept }) => kept === false)).toEqual([]);
  // Once the relay was killed between the broker's append and its own note of it: those records are there twice.
  expect(report.counts.publishedTwice).toBeGreaterThan(0);
}, 300_000);
