import { describe, expect, test } from 'vitest';
import { Schedule } from './schedule.ts';

describe('a schedule', () => {
  test('makes each message due at start + i / rate', () => {
    const schedule = new Schedule(1000, 200, 10);
    expect([0, 1, 9].map((i) => schedule.dueOf(i))).toEqual([1000, 1005, 1045]);
  });

  test('hands each message out once, when it is due', () => {
    const schedule = new Schedule(1000, 200, 10);
    expect(schedule.take(999)).toEqual([0, 0]);
    expect(schedule.take(1000)).toEqual([0, 1]);
    expect(schedule.take(1004.9)).toEqual([1, 1]);
    expect(schedule.take(1012)).toEqual([1, 3]);
    expect(schedule.take(5000)).toEqual([3, 10]);
    expect(schedule.take(9000)).toEqual([10, 10]);
  });

  test('owes what a stall has held up: the lateness is part of the latency', () => {
    const schedule = new Schedule(0, 1000, 5000);
    schedule.take(0);
    expect(schedule.take(1000)).toEqual([1, 1001]);
    expect(1000 - schedule.dueOf(1)).toBe(999);
  });

  test('takes nothing back when the clock does', () => {
    const schedule = new Schedule(0, 1000, 100);
    schedule.take(50);
    expect(schedule.take(20)).toEqual([51, 51]);
  });
});
