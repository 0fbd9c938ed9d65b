import { setTimeout as delay } from 'node:timers/promises';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { LIMITS } from '@realchat/limits/table';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallFailure } from './clients/caller.ts';
import { createWebSocketCaller } from './clients/connect-caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { readMetric } from './support/counters.ts';
import { inDatabase } from './support/database.ts';
import { type EvenLoad, startEvenLoad } from './support/even-load.ts';
import { useMesh } from './support/mesh.ts';

const SENDERS = 4;
const PER_SECOND = 30;
const WINDOW_MS = 12_000;
const PROFILES = 100_000;
/** As many as a conversation may have. */
const MEMBERS = 1_000;
/** As many as one call may ask for. */
const MOST_ASKED = 100;
/** Of each kind of call, under way at once. */
const AT_ONCE = 5;
/** Sooner than it is told to come back; all of it stays below what an address may, which others share. */
const SOON_MS = 80;
/** Of the table: what a user may at once, and a second. */
const ALLOWED = { search: LIMITS.search_profiles, lists: LIMITS.lists, sends: LIMITS.send_message };
/** Refused so often, a kind of call has used up what may be had at once. */
const USED_UP = 10;

const { searchProfiles, batchGetProfiles } = ProfileService.method;
const { listMembers } = ConversationService.method;
const { getPresence } = DeliveryService.method;

// With the table of limits as it is.
const mesh = useMesh();
let users: User[];
let greedy: User;
let memberIds: string[];
let everyone: string;
let load: EvenLoad;

beforeAll(async () => {
  const make = () => new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  users = Array.from({ length: SENDERS + 2 }, make);
  // On a socket every call is counted; Envoy lets one go that the count does not answer for in time, as on a busy machine.
  const { webSocketUrl: url, certificateAuthority } = mesh();
  greedy = new User((token) => createWebSocketCaller({ url, certificateAuthority, token }));
  await Promise.all([...users, greedy].map((user) => user.register(newUsername(), newPassword())));
  const own = [...users, greedy].map(({ userId }) => userId);
  const added = await inDatabase(
    mesh(),
    'auth',
    `insert into account (user_id, username, password_hash, shard, create_time)
     select gen_random_uuid(), 'many' || n, 'none', 0, now() from generate_series(1, ${MEMBERS - own.length}) n
     returning user_id`,
  );
  await inDatabase(
    mesh(),
    'profile',
    `insert into profile (user_id, username, display_name, create_time, account_position)
     select gen_random_uuid(), 'many' || n, 'Many ' || n, now(), 1 from generate_series(1, ${PROFILES}) n`,
  );
  await inDatabase(mesh(), 'profile', 'analyze profile');
  memberIds = [...own, ...added.map((row) => String(row.user_id))];
  everyone = await greedy.createConversation({
    title: 'everyone',
    members: memberIds.filter((id) => id !== greedy.userId),
  });
  load = await startEvenLoad({
    senders: users.slice(0, SENDERS),
    listeners: users.slice(SENDERS),
    perSecond: PER_SECOND,
    members: users.map(({ userId }) => userId),
  });
});

afterAll(async () => {
  await load?.stop();
  await Promise.all([...(users ?? []), greedy].map((user) => user?.close()));
});

test('S-60: whoever asks for the most that there is, as often as it goes, is held to the table; others send at the same pace', async () => {
  const before = await load.window(WINDOW_MS);
  const apartBefore = await allowedApart();
  const greed = startGreed();
  const isUsedUp = () => greed.tallies.every(({ refused }) => refused >= USED_UP);
  await until('what may be had at once is used up', isUsedUp, 45_000);
  // Rejects when any call of the others is refused, or any of their messages is not shown.
  const during = await load.window(WINDOW_MS);
  const seconds = await greed.stop();
  // On a busy machine Redis may be late; then a process counts by itself, which has a test of its own.
  const apart = (await allowedApart()) - apartBefore;

  const told = greed.tallies.map(({ name, answered, refused }) => `${name} ${answered} answered, ${refused} refused`);
  const [was, is] = [before.ackMs.toFixed(1), during.ackMs.toFixed(1)];
  process.stdout.write(
    `others' ack p99 ${was} ms before, ${is} ms beside ${seconds.toFixed(0)} s: ${told.join('; ')}\n`,
  );
  for (const { name, answered, others, soonest } of greed.tallies) {
    expect(others, name).toEqual([]);
    expect(answered, name).toBeGreaterThan(0);
    expect(soonest, `${name} is told when to come back`).toBeGreaterThan(0);
  }
  for (const [limit, { burst, count }] of Object.entries(ALLOWED)) {
    const answered = greed.tallies.filter((each) => each.limit === limit).reduce((sum, each) => sum + each.answered, 0);
    expect(answered - apart, limit).toBeLessThanOrEqual(1.1 * (burst + count * seconds));
  }
  expect(during.ackMs).toBeLessThanOrEqual(2 * before.ackMs + 100);
}, 180_000);

/** How many calls the gateway has allowed by its own counts. */
function allowedApart(): Promise<number> {
  const byItself = { outcome: 'allowed', source: 'process' };
  return readMetric(mesh(), 'gateway', 'realchat_rate_limit_decisions_total', byItself);
}

interface Tally {
  name: string;
  limit: keyof typeof ALLOWED;
  answered: number;
  refused: number;
  /** Refusals for another reason, of which there are none. */
  others: string[];
  /** The shortest time after which it was told to come back, in milliseconds. */
  soonest: number;
}

interface Greed {
  tallies: Tally[];
  /** Answers for how many seconds it lasted. */
  stop(): Promise<number>;
}

/** One user asks for all of the costliest at once, and again soon when told to wait. */
function startGreed(): Greed {
  const userIds = memberIds.slice(0, MOST_ASKED);
  const conversationId = everyone;
  let searches = 0;
  const costly: [name: string, limit: Tally['limit'], call: () => Promise<unknown>][] = [
    ['search', 'search', () => greedy.call(searchProfiles, { query: ++searches % 2 ? 'm' : '%', pageSize: 50 })],
    ['members', 'lists', () => greedy.call(listMembers, { conversationId, pageSize: MEMBERS })],
    ['profiles', 'lists', () => greedy.call(batchGetProfiles, { userIds })],
    ['presence', 'lists', () => greedy.call(getPresence, { userIds })],
    ['fan-out', 'sends', () => greedy.send(conversationId, 'to everyone')],
  ];
  const begun = performance.now();
  let going = true;
  const hammer = async (call: () => Promise<unknown>, tally: Tally): Promise<void> => {
    while (going) {
      try {
        await call();
        tally.answered++;
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        if (error.code !== 'RESOURCE_EXHAUSTED' || error.reason !== 'RATE_LIMITED') tally.others.push(error.message);
        tally.refused++;
        tally.soonest = Math.min(tally.soonest, error.retryAfterMs ?? 0);
        await delay(SOON_MS);
      }
    }
  };
  const tallies: Tally[] = [];
  const all = costly.flatMap(([name, limit, call]) => {
    const tally: Tally = { name, limit, answered: 0, refused: 0, others: [], soonest: Number.POSITIVE_INFINITY };
    tallies.push(tally);
    return Array.from({ length: AT_ONCE }, () => hammer(call, tally));
  });
  return {
    tallies,
    async stop() {
      going = false;
      await Promise.all(all);
      return (performance.now() - begun) / 1_000;
    },
  };
}
