import { Code, RpcError } from '@realchat/rpc';
import { describe, expect, test, vi } from 'vitest';
import { Gate } from '../domain/gate.ts';
import { QueueBudget } from '../domain/queue-budget.ts';
import { Session } from '../domain/session.ts';
import { Sessions } from '../domain/sessions.ts';
import { newStreamRecord } from './new-stream-record.ts';

// Fake time reaches the global timers only.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms)),
}));

function session(userId: string, loginId = 'login'): Session {
  return new Session({
    userId,
    loginId,
    expiresAt: Number.POSITIVE_INFINITY,
    place: { progress: () => 0, cursor: () => new Uint8Array() },
    sink: { write: () => true, drained: () => Promise.resolve() },
    limits: { frames: 10, bytes: 1_000 },
    budget: new QueueBudget(1_000),
    record: newStreamRecord(),
  });
}

function refusal(admit: () => void): RpcError {
  try {
    admit();
  } catch (error) {
    if (error instanceof RpcError) return error;
  }
  throw new Error('admitted');
}

describe('sessions', () => {
  test('of one user are as many as allowed, and the place of one that ended is free again', () => {
    const sessions = new Sessions({ perUser: 2, perNode: 10 }, 3);
    const first = session('a');
    sessions.admit(first);
    sessions.admit(session('a'));
    expect(refusal(() => sessions.admit(session('a')))).toMatchObject({
      code: Code.RESOURCE_EXHAUSTED,
      reason: 'TOO_MANY_STREAMS',
      facts: { retryAfterMs: 5_000 },
    });
    sessions.admit(session('b'));
    sessions.release(first);
    sessions.release(first);
    sessions.admit(session('a'));
    expect(sessions.size).toBe(3);
    expect(refusal(() => sessions.admit(session('a'))).reason).toBe('TOO_MANY_STREAMS');
  });

  test('of all users are as many as the node takes', () => {
    const sessions = new Sessions({ perUser: 2, perNode: 2 }, 3);
    sessions.admit(session('a'));
    sessions.admit(session('b'));
    expect(refusal(() => sessions.admit(session('c'))).reason).toBe('TOO_MANY_STREAMS');
  });

  test('of a login that has ended end, and no other', async () => {
    const sessions = new Sessions({ perUser: 10, perNode: 10 }, 3);
    const [first, second, other] = [session('a', 'phone'), session('a', 'phone'), session('a', 'tablet')] as const;
    for (const one of [first, second, other]) sessions.admit(one);
    sessions.release(first);
    sessions.endLogin('phone');
    sessions.endLogin('nobody');
    expect([first.state, second.state, other.state]).toEqual(['opening', 'ended', 'opening']);
    expect(await second.ended).toMatchObject({ reason: 'session-revoked', error: { reason: 'TOKEN_REVOKED' } });
  });

  test('that are drained all end, as many in each part of the time, and no other is admitted', async () => {
    vi.useFakeTimers();
    try {
      const sessions = new Sessions({ perUser: 100, perNode: 100 }, 4);
      const all = Array.from({ length: 12 }, (_, i) => session(`u${i}`));
      for (const one of all) sessions.admit(one);
      let settled = false;
      const drained = sessions.drain(2_000).then(() => {
        settled = true;
      });
      expect(refusal(() => sessions.admit(session('late')))).toMatchObject({ code: Code.UNAVAILABLE });
      const ended = () => all.filter(({ state }) => state === 'ended').length;
      const endedAfter: number[] = [];
      for (let quarter = 0; quarter < 4; quarter++) {
        endedAfter.push(ended());
        await vi.advanceTimersByTimeAsync(499);
        expect([ended(), settled], 'nothing between').toEqual([endedAfter.at(-1), false]);
        await vi.advanceTimersByTimeAsync(1);
      }
      expect(endedAfter).toEqual([3, 6, 9, 12]);
      await drained;
      const reasons = await Promise.all(all.map(async (one) => (await one.ended).reason));
      expect(new Set(reasons)).toEqual(new Set(['draining']));
    } finally {
      vi.useRealTimers();
    }
  });

  test('that are drained are each asked back after a time of their own within two seconds', async () => {
    const sessions = new Sessions({ perUser: 100, perNode: 100 }, 1);
    const all = Array.from({ length: 50 }, (_, i) => session(`u${i}`));
    for (const one of all) sessions.admit(one);
    await sessions.drain(0);
    const errors = await Promise.all(all.map(async (one) => (await one.ended).error as RpcError));
    const afterMs = errors.map(({ facts }) => facts.retryAfterMs ?? Number.NaN);
    expect(Math.min(...afterMs)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...afterMs)).toBeLessThan(2_000);
    expect(Math.max(...afterMs) - Math.min(...afterMs)).toBeGreaterThan(1_000);
    expect(new Set(afterMs).size).toBeGreaterThan(25);
  });
});

describe('a gate', () => {
  test('lets so many run at once, and the others in order, though some fail', async () => {
    const gate = new Gate(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const tasks = [0, 1, 2, 3, 4].map((i) =>
      gate
        .run(async () => {
          most = Math.max(most, ++running);
          order.push(i);
          await new Promise(setImmediate);
          running--;
          if (i % 2) throw new Error('no');
        })
        .catch(() => {}),
    );
    await Promise.all(tasks);
    expect({ most, order }).toEqual({ most: 2, order: [0, 1, 2, 3, 4] });
    expect(await gate.run(() => Promise.resolve('free again'))).toBe('free again');
  });
});
