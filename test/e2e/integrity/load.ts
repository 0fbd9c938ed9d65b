import { setTimeout as delay } from 'node:timers/promises';
import type { Send } from '../checker/history.ts';
import type { Cast } from './cast.ts';
import type { LoadDevice } from './device.ts';

/** A run of messages of all devices to all conversations. */
export interface Load {
  /** All messages that were begun, with what became of them so far. */
  readonly sends: readonly Send[];
  /** Messages that are acked. */
  readonly acked: number;
  /** Resolves when every message is acked; rejects when one was refused. */
  readonly done: Promise<void>;
  /** Begins no more messages. */
  stop(): void;
}

export interface LoadPlan {
  messages: number;
  /** Messages begun in a second by all devices together, as long as the mesh keeps up. */
  perSecond: number;
  /** Between 0 and 1; the same for the same plan. */
  random: () => number;
}

/** The most messages that one device has on the way at a time: a mesh that is down gets no pile of retries. */
const MOST_PER_DEVICE = 6;

/** Begins messages at an even pace; every fifth one is sent twice under its key, half of those at the same time. */
export function startLoad({ devices, members }: Cast, { messages, perSecond, random }: LoadPlan): Load {
  const sends: Send[] = [];
  let acked = 0;
  let stopped = false;
  const begin = performance.now();
  const waiting = new Map<LoadDevice, Set<Promise<unknown>>>(devices.map((device) => [device, new Set()]));

  const sendOne = async (i: number): Promise<void> => {
    const conversations = [...members.keys()];
    // The first conversation, which everybody is in, is the hot one.
    const conversation = conversations[random() < 0.3 ? 0 : Math.floor(random() * conversations.length)] ?? '';
    const own = devices.filter((device) => members.get(conversation)?.has(device.userId));
    const device = own[Math.floor(random() * own.length)] as LoadDevice;
    const onTheWay = waiting.get(device) as Set<Promise<unknown>>;
    while (onTheWay.size >= MOST_PER_DEVICE) await Promise.race(onTheWay);
    if (stopped) return;
    const repeat = i % 10 === 0 ? 'parallel' : i % 10 === 5 ? 'later' : 'no';
    const sending = device.send(conversation, `key-${i}`, `message ${i} to ${conversation}`, repeat);
    onTheWay.add(sending);
    try {
      sends.push(await sending);
      acked++;
    } finally {
      onTheWay.delete(sending);
    }
  };

  const run = async (): Promise<void> => {
    const all: Promise<void>[] = [];
    for (let i = 0; i < messages && !stopped; i++) {
      await delay(begin + (i * 1000) / perSecond - performance.now());
      all.push(sendOne(i));
    }
    await Promise.all(all);
  };

  const done = run();
  // Whoever does not come to wait for it has failed for another reason.
  done.catch(() => {});
  return {
    sends,
    get acked() {
      return acked;
    },
    done,
    stop() {
      stopped = true;
    },
  };
}

/** Numbers between 0 and 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed % 2147483647 || 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
