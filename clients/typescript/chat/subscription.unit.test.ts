import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import {
  DeliveryService,
  ResetReason,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pause } from '../net/pause.ts';
import { AsyncQueue } from '../tests/async-queue.ts';
import { refusal } from '../tests/fake-mesh.ts';
import { type Continuity, type Link, Subscription } from './subscription.ts';

/** The server's ends of the streams, the newest last. */
let streams: { cursor: string; frames: AsyncQueue<SubscribeResponse> }[];
let heard: {
  continuity: Continuity[];
  links: Link[];
  kept: string[];
  resets: ResetReason[];
  transients: string[];
  renewals: number;
};
let subscription: Subscription;

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (cursor: Uint8Array) => new TextDecoder().decode(cursor);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  streams = [];
  heard = { continuity: [], links: [], kept: [], resets: [], transients: [], renewals: 0 };
});

afterEach(() => {
  subscription.stop();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function start(cursor: string): Promise<void> {
  const transport = createRouterTransport(({ service }) =>
    service(DeliveryService, {
      subscribe: (request) => {
        const frames = new AsyncQueue<SubscribeResponse>();
        streams.push({ cursor: text(request.cursor), frames });
        return frames;
      },
    }),
  );
  subscription = new Subscription({
    delivery: createClient(DeliveryService, transport),
    cursor: bytes(cursor),
    keepCursor: (kept) => heard.kept.push(text(kept)),
    renewToken: () => Promise.resolve(heard.renewals++),
    event: () => {},
    transient: ({ actorId }) => heard.transients.push(actorId),
    passedOver: () => {},
    reset: (reason) => heard.resets.push(reason),
    caughtUp: (continuity) => heard.continuity.push(continuity),
    linkChanged: (link) => heard.links.push(link),
    pause: new Pause(),
  });
  void subscription.run();
  await settle();
}

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

async function say(...frames: MessageInitShape<typeof SubscribeResponseSchema>['frame'][]): Promise<void> {
  for (const frame of frames) streams.at(-1)?.frames.push(create(SubscribeResponseSchema, { frame }));
  await settle();
}

async function end(error: ConnectError): Promise<void> {
  streams.at(-1)?.frames.fail(error);
  await settle();
}

const caughtUp = (cursor: string) => ({ case: 'caughtUp' as const, value: { cursor: bytes(cursor) } });
const checkpoint = (cursor: string) => ({ case: 'checkpoint' as const, value: { cursor: bytes(cursor) } });
const reset = (reason: ResetReason) => ({ case: 'reset' as const, value: { reason } });
const unavailable = new ConnectError('node drains', Code.Unavailable);

describe('Subscription', () => {
  it('goes on at the newest cursor after its stream was lost', async () => {
    await start('');
    await say(caughtUp('1'), checkpoint('2'));
    await end(unavailable);
    expect(subscription.link).toBe('reconnecting');
    await settle(500);
    await say(caughtUp('3'));
    expect(streams.map(({ cursor }) => cursor)).toEqual(['', '2']);
    expect(heard).toEqual({
      continuity: ['from_now', 'whole'],
      links: ['live', 'reconnecting', 'live'],
      kept: ['1', '2', '3'],
      resets: [],
      transients: [],
      renewals: 0,
    });
  });

  it('comes back ever more slowly while streams end at once, and fast again after a steady one', async () => {
    await start('1');
    for (const waitMs of [500, 1_000, 2_000]) {
      const count = streams.length;
      await end(unavailable);
      await settle(waitMs - 1);
      expect(streams).toHaveLength(count);
      await settle(1);
      expect(streams).toHaveLength(count + 1);
    }
    await say(caughtUp('2'));
    await settle(11_000);
    await end(unavailable);
    await settle(500);
    expect(streams).toHaveLength(5);
  });

  it('says that all must be loaded again when the server had to reset it, and only then', async () => {
    await start('1');
    await say(reset(ResetReason.EPOCH_CHANGED), caughtUp('2'));
    await say(reset(ResetReason.SLOW_CONSUMER));
    await end(new ConnectError('too slow', Code.ResourceExhausted));
    await settle(500);
    await say(caughtUp('3'));
    expect(heard.continuity).toEqual(['reset', 'whole']);
    expect(heard.resets).toEqual([ResetReason.EPOCH_CHANGED]);
  });

  it('has all loaded again although the stream that was reset is lost before it caught up', async () => {
    await start('1');
    await say(reset(ResetReason.BACKLOG_TOO_LARGE), checkpoint('2'));
    await end(unavailable);
    await settle(500);
    await say(caughtUp('3'));
    expect(heard.continuity).toEqual(['reset']);
  });

  it('gives up a cursor that the server does not take, and has all loaded again', async () => {
    await start('foreign');
    await end(refusal(Code.InvalidArgument, 'CURSOR_INVALID'));
    await settle(500);
    await say(caughtUp('1'));
    expect(streams.map(({ cursor }) => cursor)).toEqual(['foreign', '']);
    expect(heard.continuity).toEqual(['reset']);
    expect(heard.resets).toEqual([ResetReason.UNSPECIFIED]);
    expect(heard.kept).toEqual(['', '1']);
  });

  it('gets another token when its own has ended', async () => {
    await start('1');
    await end(new ConnectError('token ended', Code.Unauthenticated));
    await settle(500);
    expect([heard.renewals, streams.length]).toEqual([1, 2]);
  });

  it('goes on at once, and unnoticed, when the token ends that opened a steady stream', async () => {
    await start('1');
    await say(caughtUp('2'));
    await settle(11_000);
    await end(new ConnectError('token ended', Code.Unauthenticated));
    await say(caughtUp('3'));
    expect([heard.renewals, heard.links]).toEqual([1, ['live']]);
    expect(streams.map(({ cursor }) => cursor)).toEqual(['1', '2']);
  });

  it('takes a stream for dead that is silent for two heartbeats', async () => {
    await start('1');
    await say(caughtUp('2'));
    await settle(29_000);
    await say({ case: 'heartbeat', value: { interval: { seconds: 5n } } });
    await settle(9_999);
    expect(heard.links).toEqual(['live']);
    await settle(1);
    expect(heard.links).toEqual(['live', 'reconnecting']);
    await settle(500);
    expect(streams.map(({ cursor }) => cursor)).toEqual(['1', '2']);
  });

  it('takes a stream for dead at once when the clock says that it was silent while this machine slept', async () => {
    await start('1');
    await say(caughtUp('2'), { case: 'heartbeat', value: { interval: { seconds: 15n } } });
    subscription.check();
    await settle();
    expect(heard.links).toEqual(['live']);
    // Timers stood still.
    vi.setSystemTime(Date.now() + 31_000);
    subscription.check();
    await settle();
    expect(heard.links).toEqual(['live', 'reconnecting']);
  });

  it('hands over what is not kept, and no cursor moves by it', async () => {
    await start('1');
    await say({ case: 'transient', value: { actorId: 'ann', kind: { case: 'typing', value: { active: true } } } });
    expect([heard.transients, heard.kept]).toEqual([['ann'], []]);
  });

  it('stops for good', async () => {
    await start('1');
    await say(caughtUp('2'));
    subscription.stop();
    await settle(60_000);
    expect(streams).toHaveLength(1);
    expect(heard.links).toEqual(['live']);
  });
});
