import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, type Kafka, KafkaJSError } from 'kafkajs';

const TRIES = 20;
const RETRY_AFTER_MS = 250;

/**
 * Runs some calls on an admin connection of their own. They are repeated, as a whole, for 5 seconds while the broker says
 * that it is not ready: one that has just come up does not lead its partitions yet. So they must be harmless to repeat.
 */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(kafka, work);
    } catch (error) {
      if (attempt === TRIES || !isNotReady(error)) throw error;
      await delay(RETRY_AFTER_MS);
    }
  }
}

async function once<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 2 } });
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** An answer of the broker that a later call may not get; a broker that cannot be reached gives no answer. */
function isNotReady(error: unknown): boolean {
  return error instanceof KafkaJSError && error.name === 'KafkaJSProtocolError' && error.retriable;
}
