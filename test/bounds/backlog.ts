import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceName } from '@realchat/stack';
import { createGrpcCaller } from '../e2e/clients/grpc-caller.ts';
import { newPassword, newUsername, User } from '../e2e/clients/user.ts';
import { type MessageStore, openMessageStore } from '../e2e/support/message-store.ts';
import { hashOf } from '../integrity/history/journal.ts';
import { type Appender, createAppender } from './append.ts';
import type { Arena } from './arena.ts';
import { type Audience, gatherAudience } from './audience.ts';
import { type Findings, type Measure, memoryMeasures, paceMeasures, wholeness } from './measure.ts';
import { watchMemory } from './memory.ts';

const RELAYS: InstanceName[] = ['relay', 'relay-2'];
/** Each alone in a conversation of its own, so that every shard has some. */
const LISTENERS = 16;
/** Conversations that nobody listens to, which most of the backlog is of. */
const QUIET = 48;
const HEARD_EVERY = 20;
/** As many as one sender may have waiting in messaging. */
const AT_ONCE = 400;
const WINDOWS_BEFORE = 3;
const EVERY_MS = 250;
const PROGRESS_MS = 10_000;
const DRAINED_WITHIN_MS = 300_000;

/**
 * Every relay is dead while so many messages are committed. Then relays are started: how fast it is all published, and what
 * it takes. `leastPerSecond`: it must be as fast as that.
 */
export async function drainBacklog(arena: Arena, events: number, leastPerSecond?: number): Promise<Findings> {
  const { mesh, others, say } = arena;
  const audience = await gatherAudience(mesh, { devices: LISTENERS, perUser: 1, usersTogether: 1 });
  const quiet = await registerQuiet(mesh);
  const store = await openMessageStore(mesh);
  const appender = createAppender(mesh);
  const memory = watchMemory(mesh);
  try {
    const before = await others.pace(WINDOWS_BEFORE);
    await Promise.all(RELAYS.map((name) => mesh.stack.process(name).kill('SIGKILL', { restart: false })));
    say(`both relays are dead; committing ${events} messages`);
    const begun = performance.now();
    await commitAll(appender, audience, quiet, events, say);
    const appendedPerSecond = (events * 1_000) / (performance.now() - begun);
    const { head, published } = await store.progress();
    say(`${head - published} events are not published; starting the relays`);
    const [drain, meanwhile] = await others.beside(startAndDrain(arena, store));
    await audience.whenAllIsShown();
    const judgement = audience.judge();
    const measures: Measure[] = [
      { what: 'committed by messaging’s own code', value: appendedPerSecond, unit: ' a second' },
      { what: 'not published', value: head - published, unit: '', least: events },
      {
        what: 'published',
        value: drain.perSecond,
        unit: ' a second',
        ...(leastPerSecond !== undefined && { least: leastPerSecond }),
      },
      { what: 'left unpublished', value: drain.left, unit: '', most: 0 },
      { what: 'shown to live devices', value: judgement.counts.pushed, unit: '' },
      { what: 'shown twice', value: judgement.counts.shownTwice, unit: '', most: 0 },
      ...paceMeasures(before, meanwhile),
      ...memoryMeasures(memory.most),
    ];
    return { scenario: `a backlog of ${events} events`, measures, verdicts: wholeness(judgement) };
  } finally {
    for (const name of RELAYS) await mesh.stack.process(name).start();
    await memory.stop();
    await appender.stop();
    await store.close();
    await quiet.user.close();
    await audience.close();
  }
}

interface Quiet {
  user: User;
  conversations: string[];
}

async function registerQuiet({ tlsAddress, certificateAuthority }: Arena['mesh']): Promise<Quiet> {
  const user = new User(createGrpcCaller(tlsAddress, certificateAuthority));
  await user.register(newUsername(), newPassword());
  const conversations: string[] = [];
  while (conversations.length < QUIET)
    conversations.push(await user.createConversation({ title: `quiet ${conversations.length}`, members: [] }));
  return { user, conversations };
}

/** Some at a time, as many as goes into the lane; what somebody listens to is written down. */
async function commitAll(
  appender: Appender,
  audience: Audience,
  quiet: Quiet,
  events: number,
  say: Arena['say'],
): Promise<void> {
  let next = 0;
  const commit = async (): Promise<void> => {
    for (let i = next++; i < events; i = next++) {
      const key = `backlog-${i}`;
      const text = `message ${i} of the backlog`;
      if (i % HEARD_EVERY === 0) await commitHeard(appender, audience, i / HEARD_EVERY, key, text);
      else {
        const conversationId = quiet.conversations[i % QUIET] ?? '';
        await appender.append({ conversationId, userId: quiet.user.userId, key, text });
      }
    }
  };
  const progress = setInterval(() => say(`${Math.min(next, events)} committed`), PROGRESS_MS);
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, commit));
  } finally {
    clearInterval(progress);
  }
}

async function commitHeard(
  appender: Appender,
  { journal, conversations, devices }: Audience,
  i: number,
  key: string,
  text: string,
): Promise<void> {
  const room = i % conversations.length;
  const [conversation, device] = [conversations[room] ?? '', devices[room]];
  if (!device) throw new Error(`conversation ${room} has no listener`);
  const { name, userId: user } = device;
  const call = journal.nextCall();
  journal.write({ type: 'send', op: 'invoke', call, device: name, user, conversation, key, hash: hashOf(text) });
  const { seq, messageId: id } = await appender.append({ conversationId: conversation, userId: user, key, text });
  journal.write({ type: 'send', op: 'ok', call, seq, id });
}

/** Starts the relays. How many a second were published, from the first one on, and what is left in the end. */
async function startAndDrain({ mesh, say }: Arena, store: MessageStore): Promise<{ perSecond: number; left: number }> {
  const start = await store.progress();
  const starting = Promise.all(RELAYS.map((name) => mesh.stack.process(name).start()));
  const deadline = performance.now() + DRAINED_WITHIN_MS;
  let begun: number | undefined;
  let toldAt = performance.now();
  for (;;) {
    const { published } = await store.progress();
    const now = performance.now();
    if (begun === undefined && published > start.published) begun = now - EVERY_MS;
    if (now - toldAt > PROGRESS_MS) {
      toldAt = now;
      say(`${start.head - published} are left`);
    }
    // What others send meanwhile is not of the backlog.
    if (published >= start.head || now > deadline) {
      await starting;
      const done = Math.min(published, start.head) - start.published;
      return { perSecond: (done * 1_000) / (now - (begun ?? now - 1)), left: Math.max(0, start.head - published) };
    }
    await delay(EVERY_MS);
  }
}
