import { describe, expect, test } from 'vitest';
import { type ProcessTimes, parseMachine, parseProcess } from './proc.ts';
import { type Sample, usageBetween } from './usage.ts';

describe('the processor time of processes', () => {
  test('is read from /proc, whatever the program is called', () => {
    const line = `42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 30 12 5 3 20 0 1 0 100 0 0`;
    expect(parseProcess(42, line)).toEqual({ pid: 42, parent: 7, cpuMs: 500 });
  });

  test('of the machine leaves out idle and waiting time', () => {
    expect(parseMachine('cpu  10 1 20 500 300 2 3 4 0 0\ncpu0 1 1 1 1 1\n')).toBe(400);
  });

  test('of a root is that of its whole tree, also of what began, and of what ended, meanwhile', () => {
    const before = sample(0, [process(1, 0, 100), process(2, 1, 50), process(3, 2, 10), process(9, 0, 500)]);
    // 3 has ended: its parent has its time. 4 is new.
    const after = sample(1000, [process(1, 0, 200), process(2, 1, 90), process(4, 2, 30), process(9, 0, 900)]);
    const { cores } = usageBetween(
      before,
      after,
      new Map([
        ['postgres', 1],
        ['other', 9],
      ]),
    );
    expect(cores).toEqual({ postgres: 0.16, other: 0.4 });
  });
});

function process(pid: number, parent: number, cpuMs: number): ProcessTimes {
  return { pid, parent, cpuMs };
}

function sample(at: number, processes: ProcessTimes[]): Sample {
  return { at, processes: new Map(processes.map((each) => [each.pid, each])), machineMs: 0 };
}
