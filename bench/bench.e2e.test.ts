import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentProgress } from '@realchat/stack';
import { beforeAll, describe, expect, test } from 'vitest';
import { runBench } from './bench.ts';
import type { BenchResult, FixedRateCell } from './report/result.ts';
import type { TargetName } from './targets/target.ts';
import { defaultsForTests } from './tests/made-options.ts';

// Whether it measures, not what: how quick anything is, is no matter of a test.

const RATE = 40;
const options = {
  ...defaultsForTests,
  scenarios: [1],
  rates: [RATE],
  rounds: 1,
  pairs: 3,
  warmUpSeconds: 1,
  measuredSeconds: 3,
};

let result: BenchResult;
const saved: number[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'realchat-bench-'));
  const save = ({ cells }: BenchResult) => saved.push(cells.length);
  result = await runBench({ options, progress: silentProgress, folder, save });
});

function cellOf(target: TargetName): FixedRateCell {
  return result.cells.find((cell) => cell.target === target) as FixedRateCell;
}

describe('the smallest benchmark', () => {
  test.each(options.targets)('sends every message of %s when it is due, and finds each one acked', (target) => {
    const { measurement } = cellOf(target);
    expect(measurement).toMatchObject({ sent: RATE * 4, due: RATE * 3, acked: RATE * 3, errors: {}, brokenOff: false });
    expect(measurement.ack.count).toBe(RATE * 3);
  });

  test.each(['websocket', 'grpc', 'socketio'] as const)('sees every message of %s come to its recipient', (target) => {
    const { measurement } = cellOf(target);
    expect(measurement).toMatchObject({ received: RATE * 3, faults: { lost: 0, unacked: 0, altered: 0 } });
    expect(measurement.receive.count).toBe(RATE * 3);
  });

  test.each(['websocket', 'grpc'] as const)('sees each message of %s once and in order', (target) => {
    expect(cellOf(target).measurement.faults).toMatchObject({ duplicated: 0, outOfOrder: 0 });
  });

  test('knows what each process used, and what was written to disk', () => {
    const { cores, megabytes, walBytesPerMessage, generator } = cellOf('websocket').measurement;
    const processes = [
      'auth',
      'delivery',
      'envoy',
      'gateway',
      'kafka',
      'messaging',
      'postgres',
      'profile',
      'relay',
      'valkey',
    ];
    expect(Object.keys(cores)).toEqual(expect.arrayContaining(processes));
    for (const name of ['postgres', 'messaging', 'gateway', 'kafka']) expect(cores[name]).toBeGreaterThan(0);
    expect(megabytes['messaging']).toBeGreaterThan(10);
    expect(walBytesPerMessage).toBeGreaterThan(200);
    expect(generator).toBeGreaterThan(0);
    expect(Object.keys(cellOf('socketio').measurement.cores).toSorted()).toEqual(['postgres', 'socket.io']);
  });

  test('runs RealChat and its peer on the same Postgres with the same durability', () => {
    const { realchat, peer } = result.settings;
    const postgres = (settings = {}) => Object.entries(settings).filter(([name]) => name.startsWith('postgres'));
    expect(postgres(realchat)).toEqual(postgres(peer));
    expect(peer).toMatchObject({ 'postgres fsync': 'on', 'postgres synchronous_commit': 'on' });
  });

  test('hands over what it has after each figure, for a run that is broken off', () => {
    expect(saved).toEqual([1, 2, 3, 4]);
  });
});
