import { setTimeout as delay } from 'node:timers/promises';
import { CONVERSATION_EVENTS } from '@realchat/eventlog';
import { Kafka, logLevel } from '../../../packages/eventlog/kafkajs.ts';
import { type Fault, type Field, RELAY_BATCH } from './field.ts';

const BROKERS = 3;
/** Not the one that the launcher's own tools start from. */
const KILLABLE = [2, 3];

/** F-07: topics with three replicas, of which two must have what is acknowledged. */
export const brokers: Fault[] = [
  {
    id: 'F-07',
    title: 'one broker of three is killed, the one of two that leads more, and comes back',
    engines: { brokers: BROKERS },
    recordsTwice: 2 * RELAY_BATCH,
    async run(field) {
      // One that was killed before leads nothing for a while.
      const counts = await Promise.all(KILLABLE.map(async (node) => ({ node, led: await ledBy(field, node) })));
      const { node = 0, led = 0 } = counts.toSorted((a, b) => b.led - a.led)[0] ?? {};
      const broker = field.mesh.stack.process(`kafka-${node}`);
      const { published } = await field.watch.ask();
      const before = field.load.counts.acked;
      await broker.kill('SIGKILL', { restart: false });
      await delay(field.lastsMs);
      const left = await ledBy(field, node);
      const moved = (await field.watch.ask()).published - published;
      const acked = field.load.counts.acked - before;
      await broker.start();
      return {
        bit: led > 0 && left === 0 && moved > 0,
        proof: `it led ${led} partitions, and ${left} while it was away; ${acked} sends were acked and ${moved} events published meanwhile`,
      };
    },
  },
];

/** How many partitions of the topic of conversations a broker leads. */
async function ledBy({ mesh }: Field, node: number): Promise<number> {
  const broker = `127.0.0.1:${mesh.stack.ports.kafkaAdmin}`;
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [CONVERSATION_EVENTS.name] });
    return topics.flatMap(({ partitions }) => partitions).filter(({ leader }) => leader === node).length;
  } finally {
    await admin.disconnect();
  }
}
