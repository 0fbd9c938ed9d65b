import { describe, expect, test } from 'vitest';
import { madeMeasurement } from './tests/made-measurement.ts';
import { judge } from './verdict.ts';

const rules = { receives: true, machineCores: 2 };

describe('a rate counts', () => {
  test('when 99.99 % came through, nothing piled up and the generator had time', () => {
    expect(judge(madeMeasurement(), rules)).toEqual({ kept: true, void: false, reasons: [] });
    expect(judge(madeMeasurement({ due: 10_000, acked: 9_999, received: 9_999 }), rules).kept).toBe(true);
  });

  test('not when two of ten thousand were not acked, or not received', () => {
    expect(judge(madeMeasurement({ due: 10_000, acked: 9_998 }), rules).reasons).toEqual(['99.98 % were acked']);
    const unseen = madeMeasurement({ due: 10_000, acked: 10_000, received: 9_998 });
    expect(judge(unseen, rules).reasons).toEqual(['99.98 % were received']);
    expect(judge(unseen, { ...rules, receives: false }).kept).toBe(true);
  });

  test('not when the backlog grows by more than 50 ms of messages', () => {
    const at = (last: number) => judge(madeMeasurement({ perSecond: 1000, backlog: { first: 5, last } }), rules);
    expect(at(55).kept).toBe(true);
    expect(at(56).reasons).toEqual(['the backlog grew from 5 to 56']);
  });

  test('not when the run was broken off, even before anything was measured', () => {
    const none = madeMeasurement({ brokenOff: true, due: 0, acked: 0, received: 0 });
    expect(judge(none, rules)).toMatchObject({ kept: false, void: false });
  });

  test('never when the generator took more than 70 % of a core', () => {
    expect(judge(madeMeasurement({ generator: 0.7 }), rules).kept).toBe(true);
    expect(judge(madeMeasurement({ generator: 0.71 }), rules)).toMatchObject({ kept: false, void: true });
  });

  test('and if not, what was used up is said', () => {
    const over = (cores: Record<string, number>) =>
      judge(madeMeasurement({ brokenOff: true, cores, generator: 0.3, bystanders: 0, elsewhere: 0.1 }), rules).limit;
    expect(over({ gateway: 0.8, messaging: 0.7 })).toBe('all 2 cores were busy (1.90), most of all gateway (0.80)');
    expect(over({ gateway: 0.95 })).toBe('gateway had a core to itself (0.95) and could use no more');
    expect(over({ gateway: 0.5 })).toBe('no processor was used up: 0.90 cores were busy');
  });
});
