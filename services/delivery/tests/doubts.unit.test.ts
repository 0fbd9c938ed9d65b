import { expect, test } from 'vitest';
import { Doubts } from '../domain/doubts.ts';

const fact = (online: boolean, patienceLeftMs = 0) => ({ userId: 'bob', online, patienceLeftMs, seenAt: 0 });

test('who closed their last session is believed to be gone once the patience is over', () => {
  const doubts = new Doubts();
  expect(doubts.believes(fact(true), false)).toBe(true);
  expect(doubts.believes(fact(true, 500), true)).toBe(true);
  expect(doubts.believes(fact(false), true)).toBe(true);
});

test('who vanishes without a word has to be found away twice in a row', () => {
  const doubts = new Doubts();
  expect(doubts.believes(fact(false), true)).toBe(false);
  expect(doubts.believes(fact(true), true)).toBe(true);
  expect(doubts.believes(fact(false), true)).toBe(false);
  expect(doubts.believes(fact(false), true)).toBe(true);
  doubts.forget('bob');
  expect(doubts.believes(fact(false), true)).toBe(false);
});

test('of whom nobody was told that they are online, nothing is doubted', () => {
  expect(new Doubts().believes(fact(false), false)).toBe(true);
});
