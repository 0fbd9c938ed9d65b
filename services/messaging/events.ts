import type { Call } from '@realchat/rpc';
import { Counter, Gauge, Histogram, type Logger, type Registry } from '@realchat/telemetry';
import type { Discrepancy } from './domain/compare-served.ts';

/** A change of a group, as it is counted. */
export type GroupChange = 'updated' | 'members-added' | 'member-removed' | 'member-left' | 'role-changed';

/** What messaging tells of its business: each has its metric, and those that are not of every message a log line. */
export interface Events {
  messageStored(): void;
  messageRepeated(): void;
  sendRefused(call: Call, reason: string): void;
  batchCommitted(size: number): void;
  conversationCreated(call: Call, kind: string, members: number): void;
  /** Also kept as an audit: who did what to whom. */
  groupChanged(call: Call, change: GroupChange, conversationId: string, users: string[]): void;
  groupChangeRefused(call: Call, change: GroupChange, conversationId: string, reason: string): void;
  /** Read positions that were told to the members, and those that were not for want of the database. */
  readsTold(count: number): void;
  readsDelayed(error: unknown): void;
  keysPurged(count: number): void;
  /** A conversation was made anew from its events and compared with what is served. */
  conversationAudited(conversationId: string, found: readonly Discrepancy[]): void;
}

export function createEvents(registry: Registry, log: Logger, laneDepth: () => number): Events {
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
  const changes = new Counter({
    name: 'realchat_group_changes_total',
    help: 'Changes of groups, by kind and outcome: done, or the reason of the refusal.',
    labelNames: ['change', 'outcome'],
    registers,
  });
  const reads = new Counter({
    name: 'realchat_reads_told_total',
    help: 'Read positions that were told to the members, each with what was marked since the last one.',
    registers,
  });
  const purged = new Counter({
    name: 'realchat_send_keys_purged_total',
    help: 'Idempotency keys past their 7 days.',
    registers,
  });
  const audited = new Counter({
    name: 'realchat_unread_audit_conversations_total',
    help: 'Conversations compared with their events: right, or wrong.',
    labelNames: ['outcome'],
    registers,
  });
  const discrepancies = new Counter({
    name: 'realchat_unread_audit_discrepancies_total',
    help: 'Positions and unread counts that are served and not what the events make of them, by kind. Must stay 0.',
    labelNames: ['kind'],
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
    groupChanged(call, change, conversationId, users) {
      changes.inc({ change, outcome: 'done' });
      call.log.info({ change, conversation_id: conversationId, users }, 'group changed');
    },
    groupChangeRefused(call, change, conversationId, reason) {
      changes.inc({ change, outcome: reason });
      call.log.info({ change, conversation_id: conversationId, reason }, 'group change refused');
    },
    readsTold: (count) => reads.inc(count),
    readsDelayed: (error) => log.info({ err: error }, 'read positions are told later'),
    keysPurged: (count) => purged.inc(count),
    conversationAudited(conversationId, found) {
      audited.inc({ outcome: found.length > 0 ? 'wrong' : 'right' });
      for (const { kind, userId, served, logged } of found) {
        discrepancies.inc({ kind });
        const what = { kind, conversation_id: conversationId, user_id: userId };
        log.error(
          { ...what, served: String(served), logged: String(logged) },
          'what is served is not what the log says',
        );
      }
    },
  };
}
