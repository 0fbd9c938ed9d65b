import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pause } from '../net/pause.ts';
import { refusal } from '../tests/fake-mesh.ts';
import { PositionMarks } from './position-marks.ts';

let calls: string[];
let inFlight: number;
let answer: (conversationId: string, number: bigint) => Promise<bigint>;
let marks: PositionMarks;
const closed = new AbortController();

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  calls = [];
  inFlight = 0;
  answer = async (_, number) => number;
  marks = new PositionMarks({
    mark: async (conversationId, number) => {
      calls.push(`${conversationId} ${number}`);
      expect(++inFlight).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      inFlight--;
      return answer(conversationId, number);
    },
    gatherMs: 200,
    pause: new Pause(),
    signal: closed.signal,
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('of many moves the newest alone is told, one call at a time', async () => {
  for (let number = 1n; number <= 5n; number++) marks.move('a', number);
  marks.move('b', 2n);
  await vi.advanceTimersByTimeAsync(220);
  for (let number = 6n; number <= 9n; number++) marks.move('a', number);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual(['a 5', 'b 2', 'a 9']);
});

test('what the server knows already is not told', async () => {
  marks.know('a', 7n);
  marks.move('a', 6n);
  marks.move('b', 3n);
  marks.know('b', 3n);
  await vi.advanceTimersByTimeAsync(1_000);
  marks.move('b', 3n);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls).toEqual([]);
});

test('a failure that may pass is made good with the newest position, a refusal is not repeated', async () => {
  let failures = 1;
  answer = async (_, number) => {
    if (failures-- > 0) throw new ConnectError('away', Code.Unavailable);
    return number;
  };
  marks.move('a', 1n);
  await vi.advanceTimersByTimeAsync(300);
  marks.move('a', 2n);
  await vi.advanceTimersByTimeAsync(2_000);
  answer = () => Promise.reject(refusal(Code.InvalidArgument, 'NUMBER_BEYOND_LAST'));
  marks.move('a', 9n);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toEqual(['a 1', 'a 2', 'a 9']);
});
