import { createHash } from 'node:crypto';
import { createTelemetry } from '@realchat/telemetry';
import { v7 as uuidv7 } from 'uuid';
import { createSendLane } from '../db/send-lane.ts';
import { shardOf } from '../domain/shard.ts';

// A process of append.int.test.ts: sends through a lane of its own until it is killed or has sent its share, and prints
// one JSON line for each outcome. A fifth of the sends are repeats of an earlier key, some of them with another text.

const { DATABASE_URL = '', CONVERSATIONS = '', SENDERS = '', DEVICE = '', COUNT = '0' } = process.env;
const conversations = CONVERSATIONS.split(',');
const senders = SENDERS.split(',');
const total = Number(COUNT);
const IN_FLIGHT = 64;

const lane = createSendLane({
  url: DATABASE_URL,
  log: createTelemetry({ service: 'append-worker', instance: DEVICE, level: 'silent' }).log,
  committed: () => {},
  observeBatch: () => {},
});

const sent: { conversationId: string; senderId: string; key: string }[] = [];
let next = 0;

await Promise.all(Array.from({ length: IN_FLIGHT }, sendUntilDone));
await lane.stop();

async function sendUntilDone(): Promise<void> {
  while (next < total) {
    const number = next++;
    const repeat = number % 5 === 0 ? sent[Math.floor(Math.random() * sent.length)] : undefined;
    const draft = repeat ?? fresh(number);
    const text = repeat && number % 50 === 0 ? 'another text' : `text of ${draft.key}`;
    const outcome = await lane.append({
      shard: shardOf(draft.conversationId),
      conversationId: draft.conversationId,
      senderId: draft.senderId,
      deviceId: DEVICE,
      clientMessageId: draft.key,
      requestHash: createHash('sha256').update(text).digest(),
      messageId: uuidv7(),
      body: Buffer.from(text.padEnd(300)),
      traceparent: '',
    });
    if (!repeat) sent.push(draft);
    const { senderId, conversationId, key } = draft;
    const seq = 'seq' in outcome ? Number(outcome.seq) : 0;
    process.stdout.write(`${JSON.stringify({ senderId, conversationId, key, kind: outcome.kind, seq })}\n`);
  }
}

/** Half of all go to the first conversation: the hot one. */
function fresh(number: number) {
  const hot = number % 2 === 0;
  const conversationId = (hot ? conversations[0] : conversations[1 + (number % (conversations.length - 1))]) as string;
  return { conversationId, senderId: senders[number % senders.length] as string, key: `${DEVICE}-${number}` };
}
