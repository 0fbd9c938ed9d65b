import { create } from '@bufbuild/protobuf';
import { TransientSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { describe, expect, test } from 'vitest';
import { caughtUpFrame, eventFrame, transientFrame } from '../domain/frames.ts';
import { Hub } from '../domain/hub.ts';
import { QueueBudget } from '../domain/queue-budget.ts';
import { Session } from '../domain/session.ts';
import { asResponse, createFakeSink } from './fake-sink.ts';
import { newStreamRecord } from './new-stream-record.ts';

const event = () => eventFrame(Buffer.concat([Buffer.of(0x0a, 98), Buffer.alloc(98, 'a')]), '', 0);
const typing = () =>
  transientFrame(create(TransientSchema, { conversationId: 'c', kind: { case: 'typing', value: { active: true } } }));

function stage() {
  const hub = new Hub();
  const budget = new QueueBudget(1_000_000);
  let progress = 1;
  const member = (userId: string, conversationIds = ['c']) => {
    const sink = createFakeSink(asResponse);
    const session = new Session({
      userId,
      loginId: 'login',
      expiresAt: 1e15,
      place: { progress: () => progress, cursor: () => Buffer.from(String(progress)) },
      sink,
      limits: { frames: 4, bytes: 10_000 },
      budget,
      record: newStreamRecord(),
    });
    session.goLive(undefined, caughtUpFrame);
    hub.join(session, conversationIds);
    return {
      session,
      kinds: () => sink.frames.map(({ frame }) => frame.case),
      block: sink.block,
      unblock: async () => {
        sink.unblock();
        await session.idle();
      },
    };
  };
  return { hub, budget, member, move: () => progress++ };
}

describe('a transient', () => {
  test('goes to the live sessions of the other members, and to nobody else', () => {
    const { hub, member } = stage();
    const [alice, otherOfAlice, bob, eve] = [member('alice'), member('alice'), member('bob'), member('eve', ['d'])];
    expect(hub.whisper('c', 'alice', typing())).toEqual({ pushed: 1, dropped: 0 });
    expect(bob.kinds()).toEqual(['caughtUp', 'transient']);
    for (const each of [alice, otherOfAlice, eve]) expect(each.kinds()).toEqual(['caughtUp']);
    expect(hub.whisper('nowhere', 'alice', typing())).toEqual({ pushed: 0, dropped: 0 });
  });

  test('is dropped before any event when a reader is behind, and takes no room that events have', async () => {
    const { hub, budget, member } = stage();
    const bob = member('bob');
    bob.block();
    bob.session.send(event());
    for (let i = 0; i < 3; i++) bob.session.send(event());
    for (let i = 0; i < 100; i++) expect(hub.whisper('c', 'alice', typing())).toEqual({ pushed: 0, dropped: 1 });
    bob.session.send(event());
    expect(bob.session.state).toBe('live');
    await bob.unblock();
    expect(bob.kinds()).toEqual(['caughtUp', 'event', 'event', 'event', 'event', 'event']);
    expect(budget.used).toBe(0);
    expect(hub.whisper('c', 'alice', typing())).toEqual({ pushed: 1, dropped: 0 });
  });

  test('counts for no checkpoint', () => {
    const { hub, member, move } = stage();
    const bob = member('bob');
    hub.whisper('c', 'alice', typing());
    move();
    bob.session.tick(performance.now() + 5_000, 0);
    expect(bob.kinds()).toEqual(['caughtUp', 'transient']);
  });
});

test('a node knows as members those that its live sessions are told of, and nobody after they left', () => {
  const { hub, member } = stage();
  const alice = member('alice', ['c']);
  expect(hub.knowsMember('alice', 'c')).toBe(true);
  expect(hub.knowsMember('alice', 'd')).toBe(false);
  expect(hub.knowsMember('bob', 'c')).toBe(false);
  hub.leave(alice.session);
  expect(hub.knowsMember('alice', 'c')).toBe(false);
});
