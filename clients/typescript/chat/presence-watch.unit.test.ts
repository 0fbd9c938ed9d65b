import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  PresenceState,
  type WatchPresenceResponse,
  WatchPresenceResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pause } from '../net/pause.ts';
import { AsyncQueue } from '../tests/async-queue.ts';
import { PresenceWatch } from './presence-watch.ts';

const { ONLINE, OFFLINE, UNSPECIFIED } = PresenceState;

let streams: { users: string[]; signal: AbortSignal; frames: AsyncQueue<WatchPresenceResponse> }[];
let told: string[];
let renewals: number;
let over: AbortController;
let watch: PresenceWatch;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  streams = [];
  told = [];
  renewals = 0;
  over = new AbortController();
  watch = new PresenceWatch({
    watch: (users, signal) => {
      const frames = new AsyncQueue<WatchPresenceResponse>();
      signal.addEventListener('abort', () => frames.fail(new ConnectError('aborted', Code.Canceled)));
      streams.push({ users, signal, frames });
      return frames;
    },
    renewToken: async () => void renewals++,
    changed: (userId) => told.push(`${userId} ${watch.of(userId)?.state ?? 'unknown'}`),
    pause: new Pause(),
    signal: over.signal,
  });
});

afterEach(() => {
  over.abort();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

async function say(...frames: MessageInitShape<typeof WatchPresenceResponseSchema>['frame'][]): Promise<void> {
  for (const frame of frames) streams.at(-1)?.frames.push(create(WatchPresenceResponseSchema, { frame }));
  await settle();
}

const presence = (userId: string, state: PresenceState) => ({ case: 'presence' as const, value: { userId, state } });
const heartbeat = { case: 'heartbeat' as const, value: { interval: { seconds: 15n } } };

async function lose(code: Code): Promise<void> {
  streams.at(-1)?.frames.fail(new ConnectError('lost', code));
  await settle();
}

test('who is online is known from the first word on, and forgotten when it is not known any more', async () => {
  watch.watch(['ann', 'bob']);
  await settle();
  await say(presence('ann', ONLINE), presence('bob', OFFLINE), presence('ann', UNSPECIFIED));
  expect(told).toEqual([`ann ${ONLINE}`, `bob ${OFFLINE}`, 'ann unknown']);
});

test('the stream is opened again after it was lost, and nothing is known meanwhile', async () => {
  watch.watch(['ann']);
  await settle();
  await say(presence('ann', ONLINE));
  await lose(Code.Unavailable);
  expect(watch.of('ann')).toBeUndefined();
  await settle(500);
  await say(presence('ann', OFFLINE));
  expect([streams.length, told.at(-1)]).toEqual([2, `ann ${OFFLINE}`]);
  await lose(Code.Unauthenticated);
  await settle(1_000);
  expect([streams.length, renewals]).toEqual([3, 1]);
});

test('a stream that is silent for two heartbeats is dead, at once when the clock says so after a sleep', async () => {
  watch.watch([]);
  await settle();
  await say(heartbeat);
  await settle(29_999);
  expect(streams).toHaveLength(1);
  await settle(501);
  expect(streams).toHaveLength(2);
  vi.setSystemTime(Date.now() + 31_000);
  watch.check();
  await settle(1_000);
  expect(streams).toHaveLength(3);
});

test('others are watched by another stream, at once, and who is known stays known while it begins', async () => {
  watch.watch(['ann', 'bob']);
  await settle();
  await say(presence('ann', ONLINE), presence('bob', ONLINE));
  watch.watch(['bob', 'ann']);
  await settle();
  expect(streams).toHaveLength(1);
  watch.watch(['ann', 'cy']);
  await settle();
  expect(streams.map(({ users, signal }) => [users, signal.aborted])).toEqual([
    [['ann', 'bob'], true],
    [['ann', 'cy'], false],
  ]);
  expect(watch.of('ann')?.state).toBe(ONLINE);
  await say(presence('ann', ONLINE), heartbeat);
  // Of him nothing was told again.
  expect(watch.of('bob')).toBeUndefined();
  expect(told.at(-1)).toBe('bob unknown');
});
