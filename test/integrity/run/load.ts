import { setTimeout as delay } from 'node:timers/promises';
import type { Cast } from '../clients/cast.ts';
import type { Device, Repeat } from '../clients/device.ts';
import { choose, type Random } from './random.ts';

/** Messages of all devices to all conversations, begun at an even pace whatever becomes of them. */
export interface Load {
  /** Messages that were begun, acked, refused; those that were not begun since too many waited already. */
  readonly counts: Readonly<{ begun: number; acked: number; refused: number; skipped: number }>;
  /** Messages begun in a second. */
  readonly pace: number;
  /** Changes the pace, in messages a second; 0 pauses. */
  setPace(perSecond: number): void;
  /** Begins no more messages, and waits until every one is answered. Rejects after the deadline, in milliseconds. */
  stop(deadlineMs?: number): Promise<void>;
}

/** The most messages of one device that wait at a time: a mesh that is down gets no endless pile of retries. */
const MOST_WAITING = 40;
const CHURN_MS = 1_500;
const READ_MS = 400;
const TYPE_MS = 1_000;
const TICK_MS = 10;

/**
 * Begins messages once a pace is set. Every fifth is sent twice under its key, half of those at the same time. Meanwhile members of one
 * conversation come and go, readers tell how far they have read, and some are typing.
 */
export function startLoad(cast: Cast, random: Random): Load {
  const counts = { begun: 0, acked: 0, refused: 0, skipped: 0 };
  const waiting = new Set<Promise<void>>();
  const stopping = new AbortController();
  let pace = 0;

  const begin = (i: number): void => {
    // The first conversation, which everybody is in, is the hot one.
    const conversation = random() < 0.3 ? (cast.conversations[0] ?? '') : choose(random, cast.conversations);
    const own = cast.devices.filter((device) => cast.membership.isMember(conversation, device.userId));
    const device = choose(random, own);
    if (device.inFlight.size >= MOST_WAITING) return void counts.skipped++;
    counts.begun++;
    const repeat: Repeat = i % 10 === 0 ? 'parallel' : i % 10 === 5 ? 'later' : 'no';
    const text = `message ${i} to ${conversation} ${'.'.repeat(Math.floor(random() * 300))}`;
    const sending = device.send(conversation, `key-${i}`, text, repeat).then((taken) => {
      counts[taken ? 'acked' : 'refused']++;
    });
    const settled = sending.catch(() => {}).finally(() => waiting.delete(settled));
    waiting.add(settled);
  };

  const sendAll = async (): Promise<void> => {
    let due = performance.now();
    for (let i = 0; !stopping.signal.aborted; ) {
      await delay(TICK_MS);
      const now = performance.now();
      // What a pause or a frozen test runner has missed is not made up for.
      if (pace === 0 || now - due > 1_000) due = now;
      for (; pace > 0 && due <= now; due += 1_000 / pace) begin(i++);
    }
  };
  const { signal } = stopping;
  const running = Promise.all([
    sendAll(),
    churn(cast, random, signal),
    often(READ_MS, cast.bare, cast, random, signal, (device, conversation) => device.markRead(conversation)),
    often(TYPE_MS, cast.devices, cast, random, signal, (device, conversation) => device.type(conversation)),
  ]);
  running.catch(() => {});
  return {
    counts,
    get pace() {
      return pace;
    },
    setPace(value) {
      pace = value;
    },
    async stop(deadlineMs = 60_000) {
      stopping.abort();
      await running;
      const answered = Promise.all(waiting);
      const late = delay(deadlineMs, 'late' as const, { ref: false });
      if ((await Promise.race([answered, late])) === 'late')
        throw new Error(`${waiting.size} messages have no answer after ${deadlineMs} ms`);
    },
  };
}

/** Of the middle conversation members come and go, one at a time. */
async function churn({ conversations, devices, membership }: Cast, random: Random, signal: AbortSignal): Promise<void> {
  const conversation = conversations[Math.floor(conversations.length / 2)] ?? '';
  while (!signal.aborted) {
    await delay(CHURN_MS * (0.5 + random()));
    if (!signal.aborted) await membership.toggle(conversation, choose(random, devices));
  }
}

/** Somebody does something in a conversation about that often. A failure is the fault's, and the next one comes soon. */
async function often<D extends Device>(
  everyMs: number,
  devices: readonly D[],
  { conversations }: Cast,
  random: Random,
  signal: AbortSignal,
  act: (device: D, conversation: string) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs * (0.5 + random()));
    await act(choose(random, devices), choose(random, conversations)).catch(() => {});
  }
}
