import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TypingHeard } from '../store/typing-heard.ts';
import { TypingTold } from './typing-told.ts';

let told: string[];
let typing: TypingTold;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  typing = new TypingTold({
    set: async (conversationId, active) => {
      told.push(`${conversationId} ${active ? 'types' : 'stops'}`);
      throw new Error('nothing of this is worth repeating');
    },
  });
});

afterEach(() => void vi.useRealTimers());

test('typing is told at the first key, then at most every 3 seconds, and taken back after 4 without a key', async () => {
  for (let tenth = 0; tenth < 70; tenth++) {
    typing.typed('a');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(told).toEqual(['a types', 'a types', 'a types']);
  await vi.advanceTimersByTimeAsync(3_800);
  expect(told).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(200);
  expect(told.slice(3)).toEqual(['a stops']);
});

test('typing is taken back once when it is sent, and where the user goes elsewhere', () => {
  typing.stop();
  typing.typed('a');
  typing.stop();
  typing.stop();
  typing.typed('a');
  typing.typed('b');
  typing.close();
  expect(told).toEqual(['a types', 'a stops', 'a types', 'a stops', 'b types']);
});

test('who was heard typing ends after 6 seconds without another word', async () => {
  const seen: string[] = [];
  const heard = new TypingHeard((id) => seen.push(`${id}: ${heard.in(id).join(' ')}`));
  heard.take('a', 'ann', true);
  await vi.advanceTimersByTimeAsync(5_000);
  heard.take('a', 'ann', true);
  heard.take('a', 'bob', true);
  await vi.advanceTimersByTimeAsync(5_900);
  heard.take('a', 'bob', false);
  await vi.advanceTimersByTimeAsync(100);
  heard.stopped('a', 'ann');
  expect(seen).toEqual(['a: ann', 'a: ann bob', 'a: ann', 'a: ']);
});
