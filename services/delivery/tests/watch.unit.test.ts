import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { WatchPresenceResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { describe, expect, test } from 'vitest';
import type { PresenceFact } from '../domain/presence.ts';
import { STALL_MS } from '../domain/session.ts';
import { Watch } from '../domain/watch.ts';
import { WatchIndex } from '../domain/watch-index.ts';
import { createFakeSink } from './fake-sink.ts';
import { stateName } from './presence-state.ts';

type WatchFrame = MessageInitShape<typeof WatchPresenceResponseSchema>;

const fact = (userId: string, online: boolean, seenAt = 0): PresenceFact => ({
  userId,
  online,
  seenAt,
  patienceLeftMs: 0,
});

function start(userId = 'me', askedIds: string[] = []) {
  const sink = createFakeSink((frame: WatchFrame) => create(WatchPresenceResponseSchema, frame).frame);
  const watch = new Watch({
    userId,
    loginId: 'login',
    expiresAt: 1e12,
    askedIds,
    sink,
  });
  return {
    watch,
    told: () =>
      sink.frames.flatMap((frame) =>
        frame.case === 'presence' ? [`${frame.value.userId} ${stateName(frame.value.state)?.toLowerCase()}`] : [],
      ),
    heartbeats: () => sink.frames.filter((frame) => frame.case === 'heartbeat').length,
    block: sink.block,
    unblock: async () => {
      sink.unblock();
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

describe('a watch', () => {
  test('tells the first word on a user and each change, and nothing twice', () => {
    const { watch, told } = start();
    expect(watch.show(new Set(['bob'])).unknown).toEqual(['bob']);
    for (const online of [false, false, true, true, false]) watch.learn(fact('bob', online, 7));
    expect(told()).toEqual(['bob offline', 'bob online', 'bob offline']);
  });

  test('S-13: tells nothing of anyone who may not be seen, and of who ceases to be seen that they are not known', () => {
    const { watch, told } = start();
    watch.learn(fact('eve', true));
    watch.show(new Set(['bob', 'carol', 'dave']));
    watch.learn(fact('eve', true));
    watch.learn(fact('bob', true));
    watch.learn(fact('dave', true));
    expect(watch.show(new Set(['carol', 'dave'])).gone).toEqual(['bob']);
    watch.learn(fact('bob', false));
    watch.show(new Set(['dave']));
    expect(told()).toEqual(['bob online', 'dave online', 'bob unspecified']);
  });

  test('that is muted tells nothing until it is known who may be seen, and then wants to know what it has missed', () => {
    const { watch, told } = start();
    watch.show(new Set(['bob', 'carol']));
    watch.learn(fact('bob', true));
    watch.learn(fact('carol', true));
    watch.mute('bob');
    watch.learn(fact('bob', false));
    watch.learn(fact('carol', false));
    expect(watch.show(new Set(['bob', 'carol'])).unknown).toEqual(['bob']);
    watch.learn(fact('bob', false));
    watch.mute();
    watch.learn(fact('carol', true));
    expect(told()).toEqual(['bob online', 'carol online', 'carol offline', 'bob offline']);
  });

  test('keeps the newest of each user alone for a reader who is behind', async () => {
    const { watch, told, block, unblock } = start();
    watch.show(new Set(['bob', 'carol']));
    block();
    watch.learn(fact('bob', true));
    for (let i = 0; i < 99; i++) {
      watch.learn(fact('carol', i % 2 === 0));
      watch.learn(fact('bob', i % 2 === 1));
    }
    expect(told()).toEqual(['bob online']);
    await unblock();
    expect(told()).toEqual(['bob online', 'carol online', 'bob offline']);
  });

  test('ends with its token, and when its reader takes nothing for long; heartbeats tell that it lives', async () => {
    const now = performance.now();
    const first = start();
    first.watch.tick(now + 16_000, 0);
    expect(first.heartbeats()).toBe(1);
    first.watch.tick(now + 17_000, 1e12);
    expect((await first.watch.ended).reason).toBe('token-expired');

    const second = start();
    second.watch.show(new Set(['bob']));
    second.block();
    second.watch.learn(fact('bob', true));
    second.watch.tick(now + STALL_MS + 1_000, 0);
    expect((await second.watch.ended).reason).toBe('slow-consumer');
    second.watch.learn(fact('bob', false));
    await second.unblock();
    expect(second.told()).toEqual(['bob online']);
  });
});

describe('a membership event', () => {
  function indexed() {
    const index = new WatchIndex();
    const mine = start('me', ['bob', 'eve']);
    index.add(mine.watch);
    index.see(mine.watch, mine.watch.show(new Set(['bob', 'peer'])).unknown);
    return { index, ...mine };
  }
  const joined = (...userIds: string[]) => ({ membership: { joined: userIds, left: undefined } });
  const left = (userId: string) => ({ membership: { joined: [], left: userId } });

  test('of who is seen, or of the one who watches, makes it asked anew, and nothing is told meanwhile', () => {
    for (const who of ['bob', 'peer', 'me']) {
      const { index, watch, told } = indexed();
      expect(index.apply(left(who))).toEqual(new Set([watch]));
      watch.learn(fact(who === 'me' ? 'bob' : who, true));
      expect(told()).toEqual([]);
    }
  });

  test('of strangers concerns nobody; one who was asked for and joins does, unless they are seen already', () => {
    const { index, watch } = indexed();
    expect(index.apply(left('stranger')).size).toBe(0);
    expect(index.apply(joined('stranger', 'bob')).size).toBe(0);
    expect(index.apply(joined('eve'))).toEqual(new Set([watch]));
    expect(index.apply(joined('me'))).toEqual(new Set([watch]));
    expect(index.apply({ membership: undefined }).size).toBe(0);
  });

  test('that cannot be read concerns all', () => {
    const { index, watch, told } = indexed();
    expect(index.apply({ membership: 'unreadable' })).toEqual(new Set([watch]));
    watch.learn(fact('bob', true));
    expect(told()).toEqual([]);
  });

  test('of one who is watched no more finds nobody', () => {
    const { index, watch } = indexed();
    expect(index.remove(watch).toSorted()).toEqual(['bob', 'peer']);
    expect(index.apply(left('bob')).size).toBe(0);
    expect(index.watchedUsers).toBe(0);
  });
});
