import { describe, expect, test } from 'vitest';
import { firstRateOf, leftOf, planOf } from './plan.ts';
import { defaultsForTests } from './tests/made-options.ts';
import { fixedRate, saturation } from './tests/made-result.ts';

describe('a plan', () => {
  const plan = planOf(defaultsForTests);

  test('has every target at every rate once per round, one right after the other', () => {
    const first = plan.filter(({ round, scenario }) => round === 1 && scenario === 1).map(({ target }) => target);
    expect(first).toEqual(['websocket', 'grpc', 'socketio', 'commit']);
    expect(plan.filter(({ scenario }) => scenario === 1)).toHaveLength(3 * 4);
  });

  test('begins every round with another target', () => {
    const begins = [1, 2, 3].map((n) => plan.find(({ round }) => round === n)?.target);
    expect(begins).toEqual(['websocket', 'grpc', 'socketio']);
  });

  test('looks for no highest rate of the floor', () => {
    expect(plan.filter(({ scenario, target }) => scenario === 2 && target === 'commit')).toEqual([]);
  });

  test('that was broken off goes on with what is left of it', () => {
    const done = [fixedRate('websocket', 1), saturation('grpc', 1, 800)];
    const left = leftOf(plan, done);
    expect(left).toHaveLength(plan.length - 2);
    expect(left[0]).toMatchObject({ scenario: 1, round: 1, target: 'grpc' });
  });

  test('searches from where the last search of the target ended', () => {
    const cells = [saturation('grpc', 1, 800), saturation('grpc', 2, 0), saturation('socketio', 1, 3000)];
    expect(firstRateOf('grpc', cells)).toBe(800);
    expect(firstRateOf('websocket', cells)).toBe(500);
  });
});
