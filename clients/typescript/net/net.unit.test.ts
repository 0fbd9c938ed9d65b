import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoffMs, readAgainMs } from './backoff.ts';
import { failureOf } from './failure.ts';
import { Pause } from './pause.ts';
import { retrying } from './retrying.ts';

const away = new ConnectError('away', Code.Unavailable);

afterEach(() => {
  vi.useRealTimers();
});

/** An error with the details that the mesh gives. */
function refusal(code: Code, reason: string, violations: MessageInitShape<typeof BadRequestSchema>['fieldViolations']) {
  return new ConnectError('words for developers', code, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain: 'realchat.dev' } },
    { desc: BadRequestSchema, value: { fieldViolations: violations ?? [] } },
    { desc: RetryInfoSchema, value: { retryDelay: { seconds: 3n, nanos: 500_000_000 } } },
  ]);
}

describe('a failure', () => {
  it('tells the reason in a sentence, the fields at fault and when to come back', () => {
    const violations = [{ field: 'group.member_ids[2]', description: 'must be a UUID' }];
    const failure = failureOf(refusal(Code.InvalidArgument, 'INVALID_REQUEST', violations));
    expect(failure).toMatchObject({ reason: 'INVALID_REQUEST', passing: false, retryAfterMs: 3_500 });
    expect(failure.violations).toEqual([{ field: 'group.member_ids[2]', sentence: 'Must be a UUID.' }]);
    expect(failureOf(refusal(Code.AlreadyExists, 'USERNAME_TAKEN', [])).sentence).toMatch(/^This username is taken/);
  });

  it('never shows what was meant for developers', () => {
    expect(failureOf(new ConnectError('pg: relation "x"', Code.Internal)).sentence).not.toContain('pg');
  });

  it.each([Code.Unavailable, Code.Unknown, Code.Internal, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted])(
    'of code %s may pass, so that a send is repeated',
    (code) => {
      expect(failureOf(new ConnectError('', code)).passing).toBe(true);
    },
  );
});

describe('trying again', () => {
  it('waits at random up to a bound that doubles and then stays, and as long as the server asked', () => {
    const most = [1, 2, 3, 5, 6, 100].map((failures) => backoffMs(failures, 0, () => 1));
    expect(most).toEqual([500, 1_000, 2_000, 8_000, 8_000, 8_000]);
    expect(backoffMs(5, 0, () => 0)).toBe(0);
    expect(backoffMs(1, 3_000, () => 0)).toBe(3_000);
  });

  it('waits for half as long at most to read what was missed', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    expect([1, 4, 5, 100].map((failures) => readAgainMs(failures, { retryAfterMs: 0 }))).toEqual([
      500, 4_000, 4_000, 4_000,
    ]);
    expect(readAgainMs(1, { retryAfterMs: 3_000 })).toBe(3_500);
  });

  it('is cut short by a wake, but not where the server asked to wait', async () => {
    vi.useFakeTimers({ now: 0 });
    const pause = new Pause();
    const failures = [away, refusal(Code.ResourceExhausted, 'SEND_QUEUE_FULL', [])];
    const calledAt: number[] = [];
    const call = async () => {
      calledAt.push(Date.now());
      const failure = failures[calledAt.length - 1];
      if (failure) throw failure;
      return 'done';
    };
    const done = retrying(call, { pause, delayMs: (_, { retryAfterMs }) => retryAfterMs || 10_000 });
    for (let tick = 0; tick < 50; tick++) {
      await vi.advanceTimersByTimeAsync(100);
      pause.wake();
    }
    expect(await done).toBe('done');
    expect(calledAt).toEqual([0, 100, 3_600]);
  });

  it('ends with its last failure when it is given up or worth nothing', async () => {
    const call = vi.fn(() => Promise.reject(away));
    const given = new AbortController();
    const endless = retrying(call, { signal: given.signal, delayMs: () => 60_000 });
    given.abort();
    await expect(endless).rejects.toBe(away);
    await expect(retrying(call, { tries: 2, delayMs: () => 0 })).rejects.toBe(away);
    await expect(retrying(call, { worthRetrying: () => false })).rejects.toBe(away);
    expect(call).toHaveBeenCalledTimes(4);
  });
});
