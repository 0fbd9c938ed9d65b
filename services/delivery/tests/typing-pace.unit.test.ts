import { expect, test } from 'vitest';
import { TypingPace } from '../domain/typing-pace.ts';

test('what repeats what was told less than a second ago is swallowed, for each user and conversation apart', () => {
  const pace = new TypingPace();
  expect(pace.lets('alice', 'one', true, 0)).toBe(true);
  expect(pace.lets('alice', 'one', true, 999)).toBe(false);
  expect(pace.lets('alice', 'two', true, 999)).toBe(true);
  expect(pace.lets('bob', 'one', true, 999)).toBe(true);
  expect(pace.lets('alice', 'one', true, 1_000)).toBe(true);
  expect(pace.lets('alice', 'one', true, 1_999)).toBe(false);
  expect(pace.lets('alice', 'one', true, 60_000)).toBe(true);
});

test('a stop goes out at once, but who flickers is told of four times a second at most', () => {
  const pace = new TypingPace();
  const told = Array.from({ length: 100 }, (_, i) => pace.lets('alice', 'one', i % 2 === 0, 500 + i * 9));
  expect(told.filter(Boolean)).toHaveLength(4);
  expect(told.slice(0, 4)).toEqual([true, true, true, true]);
});
