import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { check } from './checker/check.ts';
import type { FullRead, History } from './checker/history.ts';
import { assemble, type Cast } from './integrity/cast.ts';
import { toSaid } from './integrity/device.ts';
import {
  type Battlefield,
  type Kill,
  killDelivery,
  killGateway,
  killMessaging,
  killRelayBeforeItKnows,
  killRelayBeforeKafkaHasIt,
} from './integrity/kills.ts';
import { type Load, randomFrom, startLoad } from './integrity/load.ts';
import { type Gate, startGate } from './support/gate.ts';
import { useMesh } from './support/mesh.ts';
import { type MessageStore, openMessageStore } from './support/message-store.ts';
import { countDeadLetters, readTopic } from './support/topic.ts';

const DEVICES = 20;
const MESSAGES = 5_000;
const PER_SECOND = 200;
/** Who is killed, and after how many acked messages. */
const KILLS: [after: number, kill: (field: Battlefield) => Promise<Kill>][] = [
  [500, killRelayBeforeKafkaHasIt],
  [1_300, killMessaging],
  [2_100, killDelivery],
  [3_000, killRelayBeforeItKnows],
  [3_900, killGateway],
];

let relayToKafka: Gate;
const mesh = useMesh(async (ports) => {
  relayToKafka = await startGate(ports.kafkaMessaging);
  return { kafka: { advertised: { MESSAGING: relayToKafka.address } } };
});
let cast: Cast;
let store: MessageStore;
let load: Load;

beforeAll(async () => {
  store = await openMessageStore(mesh());
  cast = await assemble(mesh(), DEVICES);
});

afterAll(async () => {
  load?.stop();
  await Promise.all(cast?.devices.map((device) => device.close()) ?? []);
  await store?.close();
  await relayToKafka?.stop();
});

test('5,000 messages of 20 devices, with a kill -9 of each process on their way: nothing is lost, doubled or out of order', async () => {
  const seed = Date.now();
  load = startLoad(cast, { messages: MESSAGES, perSecond: PER_SECOND, random: randomFrom(seed) });
  const field = { mesh: mesh(), store, devices: cast.devices, relayToKafka };
  const kills: Kill[] = [];
  for (const [after, kill] of KILLS) {
    await until(`${after} messages are acked`, () => load.acked >= after, 60_000);
    kills.push(await kill(field));
  }
  await load.done;
  await whenAllIsShown(load.sends.map((send) => send.conversation));
  await store.whenPublished();

  const history = await collect(load.sends as History['sends']);
  const { violations, counts } = check(history);
  const told = kills.map(
    (each) => `${each.process} killed: ${each.evidence}; back in ${Math.round(each.recoveredMs)} ms`,
  );
  process.stdout.write(`seed ${seed}\n${told.join('\n')}\n${JSON.stringify(counts)}\n`);

  expect(violations).toEqual({});
  for (const { process, cutOff } of kills) expect({ process, bit: cutOff > 0 }).toEqual({ process, bit: true });
  expect(counts).toMatchObject({ messages: MESSAGES, ok: MESSAGES * 1.2, refused: 0 });
  expect(await store.countMessages()).toBe(MESSAGES);
  // Once the relay was killed between the broker's append and its own note of it: those records are there twice.
  expect(counts.publishedTwice).toBeGreaterThan(0);
  expect(Object.values(await countDeadLetters(mesh()))).toEqual([0, 0]);
});

/** Waits until every device was shown every message of its user's conversations. */
async function whenAllIsShown(conversations: string[]): Promise<void> {
  const sentTo = Map.groupBy(conversations, (conversation) => conversation);
  const due = (userId: string) =>
    [...cast.members].reduce((sum, [id, users]) => sum + (users.has(userId) ? (sentTo.get(id)?.length ?? 0) : 0), 0);
  const missing = () => cast.devices.filter((device) => device.countShown < due(device.userId));
  await until('every device was shown everything', () => missing().length === 0, 60_000).catch(() => {
    // The checker tells better what is missing.
  });
}

async function collect(sends: History['sends']): Promise<History> {
  const reads = cast.devices.flatMap((device) =>
    [...cast.members]
      .filter(([, users]) => users.has(device.userId))
      .map(async ([conversation]): Promise<FullRead> => {
        const messages = await device.list(conversation);
        return {
          user: device.userId,
          conversation,
          messages: messages.map((each) => ({ conversation, seq: each.seq, message: toSaid(each) })),
        };
      }),
  );
  return {
    members: cast.members,
    sends,
    devices: cast.devices.map((device) => device.history),
    reads: await Promise.all(reads),
    stored: await store.events(),
    published: await readTopic(mesh()),
  };
}
