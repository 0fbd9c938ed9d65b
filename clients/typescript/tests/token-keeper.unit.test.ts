import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TokenKeeper } from '../token-keeper.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function keeping(tokens: (string | Error)[]) {
  const refresh = vi.fn<(token: string) => Promise<void>>(() => Promise.resolve());
  const token = vi.fn<() => string>(() => {
    const next = tokens.shift() ?? 'last';
    if (next instanceof Error) throw next;
    return next;
  });
  return { keeper: new TokenKeeper('first', { token, refresh }), refresh, token };
}

test('a newer token is handed over after three quarters of the present one', async () => {
  const { keeper, refresh } = keeping(['second']);
  keeper.lives(300_000);
  await vi.advanceTimersByTimeAsync(224_999);
  expect(refresh.mock.calls).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(refresh.mock.calls).toEqual([['second']]);
});

test('the same token is not handed over again, and a failure is tried again while there is time', async () => {
  const { keeper, refresh, token } = keeping(['first', new Error('away'), 'second']);
  keeper.lives(300_000);
  await vi.advanceTimersByTimeAsync(300_000);
  expect([token.mock.calls.length, refresh.mock.calls]).toEqual([3, [['second']]]);
});

test('without a newer token asking ends with the life of the present one', async () => {
  const { keeper, token } = keeping(Array.from({ length: 100 }, () => 'first'));
  keeper.lives(300_000);
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(token.mock.calls.length).toBeLessThan(12);
});

test('a stopped keeper asks no more', async () => {
  const { keeper, token } = keeping([]);
  keeper.lives(1000);
  keeper.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(token).toHaveBeenCalledTimes(0);
});
