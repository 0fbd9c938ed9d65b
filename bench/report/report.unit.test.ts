import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { fixedRate, madeResult, saturation } from '../tests/made-result.ts';
import { differenceOf } from './difference.ts';
import { pageWith, readPage } from './page.ts';
import { reportOf } from './report.ts';
import { newestResult, storeResult } from './store.ts';
import { figureOf, summarizeRate, summarizeSaturation } from './summary.ts';
import { table } from './table.ts';

const latency = (p50: number) => ({ count: 5_000, p50, p99: p50 * 4, p999: p50 * 8, max: p50 * 9 });
const noFaults = { lost: 0, duplicated: 0, outOfOrder: 0, altered: 0, unacked: 0 };

describe('a summary', () => {
  test('has the median over the rounds, with the least and the greatest', () => {
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(figureOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    const rounds = [1, 2, 3].map((n) => fixedRate('websocket', n, { ack: latency([2, 9, 3][n - 1] as number) }));
    expect(summarizeRate(madeResult(rounds), 'websocket', 500)?.ack?.p50).toEqual({ median: 3, min: 2, max: 9 });
  });

  test('takes no figure from a round in which the rate was not kept, and says why it was not', () => {
    const lost = { ack: latency(99), acked: 3_000, faults: { ...noFaults, unacked: 2_000 } };
    const result = madeResult([fixedRate('websocket', 1), fixedRate('websocket', 2, lost)]);
    const summary = summarizeRate(result, 'websocket', 500);
    expect(summary).toMatchObject({ rounds: 2, kept: 1, ack: { p50: { median: 2, max: 2 } } });
    expect(summary?.why).toMatch(/^60 % were acked; /);
  });

  test('counts faults of every round, also of those that were not kept', () => {
    const faults = { ...noFaults, outOfOrder: 2 };
    const result = madeResult([fixedRate('grpc', 1, { faults }), fixedRate('grpc', 2, { faults, brokenOff: true })]);
    expect(summarizeRate(result, 'grpc', 500)?.faults.outOfOrder).toBe(4);
  });

  test('of what was not measured is none', () => {
    expect(summarizeRate(madeResult([]), 'grpc', 500)).toBeUndefined();
    expect(summarizeSaturation(madeResult([]), 'grpc')).toBeUndefined();
  });
});

describe('a report', () => {
  const result = madeResult([
    fixedRate('websocket', 1, { ack: latency(3), faults: { ...noFaults, lost: 1 } }),
    fixedRate('socketio', 1, { ack: latency(2), cores: { postgres: 0.1 } }),
    fixedRate('commit', 1, { ack: latency(1) }),
    saturation('websocket', 1, 900),
    saturation('socketio', 1, 3000),
  ]);
  const report = reportOf(result);

  test('shows every fault beside its rate', () => {
    expect(report).toMatch(/RealChat, WebSocket .* 3\.00 \/ 12\.0 \/ 24\.0 .* 600 .* 1 lost \|/);
    expect(report).toMatch(/Socket\.IO \+ Postgres .* 0 faults \|/);
  });

  test('has the ratios to the peer and to the floor', () => {
    expect(report).toMatch(/RealChat, WebSocket, 500\/s +\| +1\.50x \| .* 3\.00x \| +- \| +3\.00x \|/);
    expect(report).toMatch(/RealChat, WebSocket, saturated .* 0\.30x/);
  });

  test('says what it was taken on', () => {
    expect(report).toContain('2 cores (a processor), 8 GB');
    expect(report).toContain('realchat: fsync on');
  });

  test('is stable: the same result gives the same text', () => {
    expect(reportOf(JSON.parse(JSON.stringify(result)))).toBe(report);
  });

  test('tells what has changed since an earlier one', () => {
    const later = madeResult([fixedRate('websocket', 1, { ack: latency(1.5) }), saturation('websocket', 1, 1800)]);
    const difference = differenceOf(result, later);
    expect(difference).toMatch(/RealChat, WebSocket, 500\/s: ack p50, ms +\| +3\.00 \| +1\.50 \| 0\.50x/);
    expect(difference).toMatch(/highest rate, messages\/s +\| +900 \| +1800 \| 2\.00x/);
    expect(differenceOf(result, madeResult([]))).toContain('nothing that both have measured');
  });
});

describe('a table', () => {
  test('is Markdown, with numbers at the right', () => {
    expect(table(['name', 'n'], [['a', '10']])).toBe('| name |   n |\n| ---- | --: |\n| a    |  10 |\n');
  });
});

describe('stored results', () => {
  const folder = mkdtempSync(join(tmpdir(), 'realchat-results-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('the newest is the one that was begun last, whatever it is called', () => {
    expect(newestResult(folder)).toBeUndefined();
    storeResult(madeResult([], { commit: 'fff', date: '2026-11-25T20:00:00.000Z' }), folder);
    storeResult(madeResult([], { commit: 'aaa+', date: '2026-11-25T21:00:00.000Z' }), folder);
    expect(newestResult(folder)?.commit).toBe('aaa+');
  });
});

describe('docs/performance.md', () => {
  test('has the figures of the newest stored result, none typed by hand', () => {
    expect(pageWith(readPage(), newestResult())).toBe(readPage());
  });
});
