const DAY_MS = 24 * 60 * 60 * 1000;

/** As Kafka has it. */
const KEPT_FOREVER = -1;

/** A topic as it must exist. */
export interface Topic {
  name: string;
  /** Fixed with the topic's version: another number would move keys to other partitions. */
  partitions: number;
  /** How long records are kept, in milliseconds; KEPT_FOREVER for ever. */
  retentionMs: number;
  /** `compact` keeps the newest record of each key as long as the topic lives. */
  cleanup: 'delete' | 'compact,delete';
  /** The largest batch of one partition that the broker takes, in bytes. */
  maxBatchBytes: number;
}

/** Every change of every conversation; partition = shard, key = conversation id, value = ConversationEvent. */
export const CONVERSATION_EVENTS: Topic = {
  name: 'realchat.conversation-events.v1',
  partitions: 16,
  retentionMs: 7 * DAY_MS,
  cleanup: 'delete',
  maxBatchBytes: 1024 * 1024,
};

/** Every change of every account; partition = shard, key = user id, value = AccountEvent. */
export const ACCOUNT_EVENTS: Topic = {
  name: 'realchat.account-events.v1',
  partitions: 4,
  // Profiles are made from it, and a service that comes later starts at its beginning: with a limit, the accounts made before
  // would be missing. It grows with accounts and ended sessions, which are few beside messages.
  retentionMs: KEPT_FOREVER,
  cleanup: 'delete',
  maxBatchBytes: 1024 * 1024,
};

/** The name of a topic's dead letters. */
export function deadLetterTopicOf(topic: string): string {
  return `${topic}.dlq`;
}

/**
 * The dead letters of a topic. One partition, so that they have one order for whoever looks after them. Compacted, so that
 * what several readers dead-letter under the same coordinates becomes one; kept 30 days. Room for what the envelope adds.
 */
export function deadLetters(topic: Topic): Topic {
  return {
    name: deadLetterTopicOf(topic.name),
    partitions: 1,
    retentionMs: 30 * DAY_MS,
    cleanup: 'compact,delete',
    maxBatchBytes: topic.maxBatchBytes + 256 * 1024,
  };
}

/** The one list of topics. */
export const TOPICS: readonly Topic[] = [CONVERSATION_EVENTS, ACCOUNT_EVENTS].flatMap((topic) => [
  topic,
  deadLetters(topic),
]);
