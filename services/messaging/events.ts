import type { Call } from '@realchat/rpc';
import { Counter, Gauge, Histogram, type Registry } from '@realchat/telemetry';

/** What messaging tells of its business: each has its metric, and those that are not of every message a log line. */
export interface Events {
  messageStored(): void;
  messageRepeated(): void;
  sendRefused(call: Call, reason: string): void;
  batchCommitted(size: number): void;
  conversationCreated(call: Call, kind: string, members: number): void;
  keysPurged(count: number): void;
}

export function createEvents(registry: Registry, laneDepth: () => number): Events {
  const registers = [registry];
  const messages = new Counter({
    name: 'realchat_messages_total',
    help: 'Messages by outcome: stored, or repeated (answered from the stored one).',
    labelNames: ['outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'realchat_sends_refused_total',
    help: 'Sends that were refused, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const batches = new Histogram({
    name: 'realchat_commit_batch_messages',
    help: 'Messages in one group commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  });
  const conversations = new Counter({
    name: 'realchat_conversations_created_total',
    help: 'Conversations made, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const purged = new Counter({
    name: 'realchat_send_keys_purged_total',
    help: 'Idempotency keys past their 7 days.',
    registers,
  });
  new Gauge({
    name: 'realchat_send_lane_depth',
    help: 'Messages that wait for a commit or are in one.',
    registers,
    collect() {
      this.set(laneDepth());
    },
  });
  return {
    messageStored: () => messages.inc({ outcome: 'stored' }),
    messageRepeated: () => messages.inc({ outcome: 'repeated' }),
    sendRefused(call, reason) {
      refused.inc({ reason });
      call.log.info({ reason }, 'send refused');
    },
    batchCommitted: (size) => batches.observe(size),
    conversationCreated(call, kind, members) {
      conversations.inc({ kind });
      call.log.info({ kind, members }, 'conversation created');
    },
    keysPurged: (count) => purged.inc(count),
  };
}
