import { describe, expect, test } from 'vitest';
import { DueList } from '../domain/due-list.ts';

describe('what is to be looked at', () => {
  test('is taken when it is due, some at a time, and not twice', () => {
    const due = new DueList();
    due.notLater('a', 10);
    due.notLater('b', 20);
    due.notLater('c', 30);
    expect(due.take(20, 1, 100)).toEqual(['a']);
    expect(due.take(20, 9, 100)).toEqual(['b']);
    expect(due.take(20, 9, 100)).toEqual([]);
    expect(due.take(100, 9, 200).toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('is looked at as planned, but not later than was wanted since it was taken', () => {
    const due = new DueList();
    due.notLater('a', 10);
    due.notLater('b', 10);
    due.take(10, 9, 1_000);
    due.notLater('b', 11);
    due.plan('a', 500);
    due.plan('b', 500);
    expect(due.take(11, 9, 1_000)).toEqual(['b']);
    due.plan('b', 600);
    expect(due.take(500, 9, 1_000)).toEqual(['a']);
    expect(due.take(600, 9, 1_000)).toEqual(['b']);
  });

  test('is forgotten for good, and a plan does not bring it back', () => {
    const due = new DueList();
    due.notLater('a', 10);
    due.delete('a');
    due.plan('a', 5);
    expect(due.has('a')).toBe(false);
    expect(due.take(100, 9, 200)).toEqual([]);
    due.notLater('a', 10);
    due.notLater('b', 90);
    due.allNotLater(20);
    expect(due.take(20, 9, 200)).toEqual(['a', 'b']);
  });
});
