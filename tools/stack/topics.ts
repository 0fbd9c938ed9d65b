/** A topic with what is fixed about it. Partition counts of v1 never change: a partition is a shard. */
export interface TopicSettings {
  name: string;
  partitions: number;
  config: Readonly<Record<string, string>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** What is appended to a topic's name for the records that could not be read from it. */
export const DEAD_LETTER_SUFFIX = '.dlq';

const eventTopics: readonly TopicSettings[] = [
  { name: 'realchat.conversation-events.v1', partitions: 16, config: { 'retention.ms': String(7 * DAY_MS) } },
  { name: 'realchat.account-events.v1', partitions: 4, config: { 'retention.ms': String(7 * DAY_MS) } },
];

/**
 * All topics: those of events, and for each its dead letters with the same partitions. Dead letters are compacted: their
 * key is where they come from, so several readers that stumble over one record leave one letter.
 */
export const topics: readonly TopicSettings[] = eventTopics.flatMap((topic) => [
  topic,
  { name: topic.name + DEAD_LETTER_SUFFIX, partitions: topic.partitions, config: { 'cleanup.policy': 'compact' } },
]);
