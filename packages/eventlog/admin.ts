import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka, KafkaJSError } from 'kafkajs';
import { EventLogUnavailableError } from './errors.ts';
import { kafkaErrorName } from './producer.ts';

const TRIES = 20;
const RETRY_AFTER_MS = 250;

/**
 * Runs some calls on an admin connection of their own. A broker that has just come up answers that it does not lead its
 * partitions yet: then they are repeated, as a whole, for 5 seconds, so they must be harmless to repeat. Rejects with
 * EventLogUnavailableError where a later try may succeed.
 */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(kafka, work);
    } catch (error) {
      if (attempt < TRIES && isNotReady(error)) await delay(RETRY_AFTER_MS);
      else if (isPassing(error)) {
        throw new EventLogUnavailableError(`the broker did not answer: ${kafkaErrorName(error)}`, { cause: error });
      } else throw error;
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
  return error instanceof Error && error.name === 'KafkaJSProtocolError' && (error as KafkaJSError).retriable;
}

/** kafkajs says of the innermost error whether it passes; around it, of its tries, that they are over. */
function isPassing(error: unknown): boolean {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error && 'retriable' in inner && inner.retriable === true;
}
