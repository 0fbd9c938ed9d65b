import { Code, type RpcError } from '@realchat/rpc';
import { describe, expect, test } from 'vitest';
import { draining } from '../domain/endings.ts';
import { caughtUpFrame, eventFrame } from '../domain/frames.ts';
import { QueueBudget } from '../domain/queue-budget.ts';
import { Session, STALL_MS } from '../domain/session.ts';
import { asResponse, createFakeSink } from './fake-sink.ts';
import { newStreamRecord } from './new-stream-record.ts';

/** A hundred bytes that are an event. */
const event = () => eventFrame(Buffer.concat([Buffer.of(0x0a, 98), Buffer.alloc(98, 'a')]), '', 0);

function start(limits = { frames: 4, bytes: 10_000 }, budget = new QueueBudget(1_000_000)) {
  const sink = createFakeSink(asResponse);
  const { frames } = sink;
  let progress = 1;
  const session = new Session({
    userId: 'u',
    loginId: 'login',
    expiresAt: 1_000_000,
    place: { progress: () => progress, cursor: () => Buffer.from(String(progress)) },
    sink,
    limits,
    budget,
    record: newStreamRecord(),
  });
  return {
    session,
    budget,
    kinds: () => frames.map(({ frame }) => frame.case),
    lastCursor: () =>
      frames
        .flatMap(({ frame }) => (frame.case === 'checkpoint' ? [Buffer.from(frame.value.cursor).toString()] : []))
        .at(-1),
    move: () => {
      progress++;
    },
    block: sink.block,
    unblock: async () => {
      sink.unblock();
      await session.idle();
    },
    live: () => session.goLive(undefined, caughtUpFrame),
    ended: async () => {
      const ending = await session.ended;
      return { reason: ending.reason, error: ending.error as RpcError };
    },
  };
}

describe('a session', () => {
  const t0 = performance.now();

  test('tells where to resume from at most once a second, and only when the log has moved', () => {
    const { session, live, move, kinds } = start();
    live();
    session.tick(t0 + 5_000, 0);
    expect(kinds()).toEqual(['caughtUp']);
    move();
    session.send(event());
    session.tick(t0 + 6_000, 0);
    session.tick(t0 + 6_900, 0);
    expect(kinds()).toEqual(['caughtUp', 'event', 'checkpoint']);
    move();
    session.send(event());
    session.tick(t0 + 7_100, 0);
    expect(kinds()).toEqual(['caughtUp', 'event', 'checkpoint', 'event', 'checkpoint']);
  });

  test('that gets nothing while the log moves is told now and then, so that its cursor does not grow old', () => {
    const { session, live, move, kinds } = start();
    live();
    move();
    session.tick(t0 + 14_000, 0);
    expect(kinds()).toEqual(['caughtUp']);
    session.tick(t0 + 31_000, 0);
    expect(kinds()).toEqual(['caughtUp', 'checkpoint']);
  });

  test('hears a heartbeat after 15 seconds of silence', () => {
    const { session, live, kinds } = start();
    live();
    session.tick(t0 + 14_000, 0);
    session.tick(t0 + 16_000, 0);
    session.tick(t0 + 30_000, 0);
    session.tick(t0 + 31_500, 0);
    expect(kinds()).toEqual(['caughtUp', 'heartbeat', 'heartbeat']);
  });

  test('ends with its token, and with a last cursor', async () => {
    const { session, live, move, kinds, ended } = start();
    live();
    move();
    session.tick(t0, 999_999);
    expect(session.state).toBe('live');
    session.tick(t0, 1_000_000);
    expect(kinds()).toEqual(['caughtUp', 'checkpoint']);
    expect(await ended()).toMatchObject({
      reason: 'token-expired',
      error: { code: Code.UNAUTHENTICATED, reason: 'TOKEN_EXPIRED' },
    });
  });

  test('that is drained is told when to come back, and where from', async () => {
    const { session, live, move, lastCursor, ended } = start();
    live();
    move();
    session.end(draining());
    expect(lastCursor()).toBe('2');
    const { error } = await ended();
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, reason: 'DRAINING' });
    expect(error.facts.retryAfterMs).toBeGreaterThanOrEqual(100);
  });

  test('that is drained while events wait for it gets no cursor that covers them', async () => {
    const { session, live, move, block, kinds, lastCursor, budget } = start();
    live();
    block();
    for (let i = 0; i < 3; i++) {
      move();
      session.send(event());
    }
    session.end(draining());
    expect(kinds()).toEqual(['caughtUp', 'event']);
    expect(lastCursor()).toBeUndefined();
    expect(budget.used).toBe(0);
  });

  test('sends what waited, in order, once its peer reads again', async () => {
    const { session, live, block, unblock, kinds, move } = start();
    live();
    block();
    session.send(event());
    move();
    session.tick(t0 + 2_000, 0);
    session.send(event());
    expect(kinds()).toEqual(['caughtUp', 'event']);
    await unblock();
    expect(kinds()).toEqual(['caughtUp', 'event', 'checkpoint', 'event']);
  });

  test.each([
    ['frames', { frames: 4, bytes: 10_000 }],
    ['bytes', { frames: 1_000, bytes: 350 }],
  ])('with too many %s waiting drops them, says so, and ends', async (_what, limits) => {
    const { session, live, block, kinds, ended, budget } = start(limits);
    live();
    block();
    for (let i = 0; i < 6; i++) session.send(event());
    expect(kinds()).toEqual(['caughtUp', 'event', 'reset']);
    expect(await ended()).toMatchObject({
      reason: 'slow-consumer',
      error: { code: Code.RESOURCE_EXHAUSTED, reason: 'SLOW_CONSUMER' },
    });
    expect(budget.used).toBe(0);
  });

  test('ends when all queues of the node together hold too much; a frame that many hold counts once', () => {
    const budget = new QueueBudget(1_000);
    const wide = { frames: 1_000, bytes: 1_000_000 };
    const several = Array.from({ length: 4 }, () => start(wide, budget));
    for (const { live, block, session } of several) {
      live();
      block();
      session.send(event());
    }
    for (let i = 0; i < 5; i++) {
      const shared = event();
      for (const { session } of several) session.send(shared);
    }
    expect(budget.used).toBeLessThanOrEqual(1_000);
    for (let i = 0; i < 6; i++) several[0]?.session.send(event());
    expect(several[0]?.session.state).toBe('ended');
    expect(several[1]?.session.state).toBe('live');
  });

  test('whose peer takes nothing for long is given up, though little waits for it', async () => {
    const { session, live, block, ended } = start();
    live();
    block();
    session.send(event());
    session.tick(performance.now() + STALL_MS - 1_000, 0);
    expect(session.state).toBe('live');
    session.tick(performance.now() + STALL_MS + 1_000, 0);
    expect((await ended()).reason).toBe('slow-consumer');
  });
});
