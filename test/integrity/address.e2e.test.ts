import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@realchat/testkit';
import { afterAll, expect, test } from 'vitest';
import { useMesh } from '../e2e/support/mesh.ts';
import { type RunningCommand, runScript, startScript } from '../e2e/support/realchat.ts';
import type { Report } from './run/report.ts';

const mesh = useMesh();
const SEEDS = [71, 72];
let results: string | undefined;
let broken: RunningCommand | undefined;

afterAll(() => {
  broken?.interrupt();
  if (results !== undefined) rmSync(results, { recursive: true, force: true });
});

test('a mesh that runs somewhere is judged over TLS with its own limits on, and a series that broke off goes on where it was', async () => {
  const { tls, certificateAuthorityFile: ca } = mesh();
  const load = [
    '--minutes',
    '0.15',
    '--rate',
    '20',
    '--devices',
    '6',
    '--seed',
    `${SEEDS[0]}`,
    '--runs',
    `${SEEDS.length}`,
  ];
  const running = startScript(['integrity', '--address', tls, '--ca', ca, ...load]);
  broken = running;
  await until('the second run has begun', () => /^seed 72$/m.test(running.stdout()), 120_000);
  running.interrupt();
  const { stdout, stderr } = await running.ended;
  results = /^keeping results in (.+);/m.exec(stdout)?.[1];
  expect(stderr).toBe('');
  const folder = results ?? '';
  expect(existsSync(join(folder, 'seed-72', 'report.json'))).toBe(false);

  const first = reportOf(folder, 71);
  const resumed = await runScript(['integrity', '--resume', folder]);
  expect(resumed, resumed.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  expect(seedsIn(folder)).toEqual(SEEDS);
  for (const seed of SEEDS)
    expect(reportOf(folder, seed).verdicts.filter(({ verdict }) => verdict === false)).toEqual([]);
  expect(resumed.stdout.match(/^seed \d+$/gm)).toEqual(['seed 72']);
  expect(reportOf(folder, 71)).toEqual(first);
  expect(reportOf(folder, 72).counts.acked).toBeGreaterThan(0);
}, 180_000);

function seedsIn(folder: string): number[] {
  const names = readdirSync(folder).filter((name) => name.startsWith('seed-'));
  return names.map((name) => Number(name.slice('seed-'.length))).toSorted((a, b) => a - b);
}

function reportOf(folder: string, seed: number): Report {
  return JSON.parse(readFileSync(join(folder, `seed-${seed}`, 'report.json'), 'utf8')) as Report;
}
