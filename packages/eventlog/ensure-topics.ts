import type { Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import type { Topic } from './topics.ts';

/**
 * Makes the topics that are missing. Throws when one exists with another number of partitions: its keys are placed already.
 * Returns the names of those made.
 */
export async function ensureTopics(kafka: Kafka, topics: readonly Topic[], replication?: number): Promise<string[]> {
  return withAdmin(kafka, async (admin) => {
    const { brokers } = await admin.describeCluster();
    const replicationFactor = replication ?? Math.min(3, brokers.length);
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ name }) => !existing.has(name));
    if (missing.length) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map((topic) => ({
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor,
          configEntries: toConfig(topic, replicationFactor),
        })),
      });
    }
    const { topics: found } = await admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) });
    for (const topic of topics) {
      const partitions = found.find(({ name }) => name === topic.name)?.partitions.length ?? 0;
      if (partitions !== topic.partitions) {
        throw new Error(`topic ${topic.name} has ${partitions} partitions and must have ${topic.partitions}`);
      }
    }
    return missing.map(({ name }) => name);
  });
}

function toConfig(topic: Topic, replicationFactor: number): { name: string; value: string }[] {
  return Object.entries({
    'retention.ms': topic.retentionMs,
    'cleanup.policy': topic.cleanup,
    'max.message.bytes': topic.maxBatchBytes,
    'min.insync.replicas': replicationFactor >= 3 ? 2 : 1,
    'unclean.leader.election.enable': false,
    // The broker unpacks what a foreign producer compressed, so that every reader can read it.
    'compression.type': 'uncompressed',
  }).map(([name, value]) => ({ name, value: String(value) }));
}
