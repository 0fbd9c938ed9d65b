import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import type { User } from '../clients/user.ts';

/** What became of the messages of a window: the ack's p99, and how long the last of the listeners waited at most. */
export interface WindowFigures {
  ackMs: number;
  shownMs: number;
}

/** Some users send, at an even pace whatever becomes of it, and others listen, each on a stream of its own. */
export interface EvenLoad {
  readonly conversationId: string;
  /** Sends for so long, and waits until every listener was shown all of it. Rejects when a message was refused or is not shown. */
  window(ms: number): Promise<WindowFigures>;
  stop(): Promise<void>;
}

/** Others may be slower by this factor, and by so many milliseconds, which a machine without a free core takes by itself (ADR 20). */
const SLOWER = { times: 2, ms: 250 };

/** What others may be slowed down to by trouble that is not theirs, in milliseconds. */
export function slowestBeside(beforeMs: number): number {
  return SLOWER.times * beforeMs + SLOWER.ms;
}

/** Longer than anything that is measured here may take. */
const SHOWN_WITHIN_MS = 15_000;

export async function startEvenLoad(options: {
  senders: User[];
  listeners: User[];
  members: string[];
  perSecond: number;
}): Promise<EvenLoad> {
  const { senders, listeners, perSecond } = options;
  const [owner] = senders as [User];
  const members = options.members.filter((userId) => userId !== owner.userId);
  const conversationId = await owner.createConversation({ title: 'even', members });
  /** When each message was shown to each listener. */
  const shown = listeners.map(() => new Map<string, number>());
  const streams = listeners.map((listener, i) =>
    listener.openStream(new Uint8Array(), ({ frame }) => {
      if (frame.case !== 'event' || frame.value.change.case !== 'messageSent') return;
      shown[i]?.set(frame.value.change.value.message?.messageId ?? '', performance.now());
    }),
  );
  await Promise.all(streams.map((stream) => stream.caughtUp));

  const send = async (i: number, due: number) => {
    const sender = senders[i % senders.length] as User;
    const { messageId } = await sender.send(conversationId, `message ${i}`);
    return { messageId, due, ackMs: performance.now() - due };
  };

  return {
    conversationId,
    async window(ms) {
      const count = Math.round((ms / 1_000) * perSecond);
      const begun = performance.now();
      const sends: ReturnType<typeof send>[] = [];
      for (let i = 0; i < count; i++) {
        const due = begun + (i * 1_000) / perSecond;
        await delay(Math.max(0, due - performance.now()));
        sends.push(send(i, due));
      }
      const sent = await Promise.all(sends);
      const isShown = ({ messageId }: { messageId: string }) => shown.every((each) => each.has(messageId));
      await until('every listener was shown all', () => sent.every(isShown), SHOWN_WITHIN_MS);
      const waits = sent.flatMap(({ messageId, due }) => shown.map((each) => (each.get(messageId) ?? 0) - due));
      return { ackMs: p99(sent.map(({ ackMs }) => ackMs)), shownMs: Math.max(...waits) };
    },
    async stop() {
      await Promise.all(streams.map((stream) => stream.stop()));
    },
  };
}

function p99(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? 0;
}
