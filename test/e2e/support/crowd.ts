import { setTimeout as delay } from 'node:timers/promises';
import type { ChatMessage } from '../clients/chat-message.ts';
import { createGrpcCaller } from '../clients/grpc-caller.ts';
import type { Subscription } from '../clients/subscription.ts';
import { newPassword, newUsername, User } from '../clients/user.ts';
import type { Mesh } from './mesh.ts';

/** A message that was acked, and when its call left and was answered, by performance.now(). */
export interface Acked {
  message: ChatMessage;
  from: number;
  to: number;
}

/** How long acks took, and how long it took until one of the members was shown the message: p99 in milliseconds. */
export interface Pace {
  ackMs: number;
  shownMs: number;
}

/** Users who all are in the same conversations, talk at an even pace, and see it all. */
export interface Crowd {
  readonly acked: readonly Acked[];
  /** Of the messages that left between two moments of performance.now(). */
  pace(from: number, to: number): Pace;
  /** Begins to talk, so many messages a second of all together, whether the ones before are answered or not. Each has the words in it. */
  talk(perSecond: number, words: string): void;
  /** Says no more, and waits for what is on the way. Rejects when a message was refused. */
  hush(): Promise<void>;
  /** What is wrong with what the streams have shown of what was acked; nothing once everything came, each once and in order. */
  problems(): string[];
  close(): Promise<void>;
}

export async function gatherCrowd(mesh: Mesh, users: number, conversations: number): Promise<Crowd> {
  const crowd: User[] = [];
  // One after the other: passwords are hashed, and this is not a test of that.
  for (let i = 0; i < users; i++) {
    const user = new User(createGrpcCaller(mesh.tlsAddress, mesh.certificateAuthority));
    await user.register(newUsername(), newPassword());
    crowd.push(user);
  }
  const [owner, ...others] = crowd as [User, ...User[]];
  const members = others.map(({ userId }) => userId);
  const rooms: string[] = [];
  for (let i = 0; i < conversations; i++) rooms.push(await owner.createConversation({ title: `room ${i}`, members }));
  const streams = await Promise.all(crowd.map((user) => user.subscribe()));

  /** When each message was shown to one of them, on a stream of its own. */
  const shownAt = new Map<string, number>();
  const watching = owner.openStream(new Uint8Array(), ({ frame }) => {
    if (frame.case !== 'event' || frame.value.change.case !== 'messageSent') return;
    shownAt.set(frame.value.change.value.message?.messageId ?? '', performance.now());
  });
  await watching.caughtUp;

  const acked: Acked[] = [];
  const onTheWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const quiet = new AbortController();
  let talking: Promise<void> | undefined;

  const say = async (i: number, words: string): Promise<void> => {
    const from = performance.now();
    const message = await (crowd[i % users] as User).send(rooms[i % conversations] ?? '', `${words} ${i}`);
    acked.push({ message, from, to: performance.now() });
  };
  return {
    acked,
    pace(from, to) {
      const meant = acked.filter((each) => each.from >= from && each.from < to);
      const shown = meant.flatMap(({ message, from: left }) => {
        const at = shownAt.get(message.messageId);
        return at === undefined ? [] : at - left;
      });
      return { ackMs: p99(meant.map((each) => each.to - each.from)), shownMs: p99(shown) };
    },
    talk(perSecond, words) {
      const begin = performance.now();
      talking = (async () => {
        for (let i = 0; !quiet.signal.aborted; i++) {
          await delay(begin + (i * 1_000) / perSecond - performance.now());
          const saying: Promise<void> = say(i, words)
            .catch((error: unknown) => void failures.push(error))
            .finally(() => onTheWay.delete(saying));
          onTheWay.add(saying);
        }
      })();
    },
    async hush() {
      quiet.abort();
      await talking;
      await Promise.all(onTheWay);
      if (failures.length > 0) throw failures[0];
    },
    problems: () => streams.flatMap((stream, i) => rooms.flatMap((room) => problemsOf(stream, acked, room, i))),
    close: async () => void (await Promise.all(crowd.map((user) => user.close()))),
  };
}

function p99(values: number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0);
}

function problemsOf(stream: Subscription, acked: readonly Acked[], room: string, device: number): string[] {
  const said = acked.map(({ message }) => message).filter(({ conversationId }) => conversationId === room);
  const due = said.toSorted((a, b) => Number(a.seq) - Number(b.seq)).map(({ seq, messageId }) => `${seq} ${messageId}`);
  const shown = stream.messages
    .filter(({ conversationId }) => conversationId === room)
    .map(({ seq, messageId }) => `${seq} ${messageId}`);
  const at = due.findIndex((each, i) => shown[i] !== each);
  if (at === -1 && shown.length === due.length) return [];
  return [`stream ${device}, ${room}: ${shown.length} of ${due.length} shown; at ${at}: ${shown[at]}, due ${due[at]}`];
}
