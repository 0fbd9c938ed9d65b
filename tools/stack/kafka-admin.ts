import { Kafka, logLevel } from 'kafkajs';
import { topics } from './topics.ts';

const REQUEST_TIMEOUT_MS = 5000;

/** Whether the broker has joined its controller and answers. Throws while nothing listens. */
export async function kafkaAnswers(broker: string): Promise<boolean> {
  return withAdmin(broker, async (admin) => (await admin.describeCluster()).brokers.length > 0);
}

/** Makes the topics that are missing. Answers their names. */
export async function ensureTopics(broker: string): Promise<string[]> {
  return withAdmin(broker, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic.name));
    if (missing.length === 0) return [];
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: 1,
        configEntries: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
      })),
    });
    return missing.map((topic) => topic.name);
  });
}

async function withAdmin<T>(broker: string, work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const kafka = new Kafka({
    clientId: 'realchat-launcher',
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
