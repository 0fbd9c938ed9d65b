import type { Admin, Kafka } from 'kafkajs';
import { EventLogUnavailableError } from './errors.ts';
import { kafkaErrorName } from './producer.ts';

/** Runs some calls on an admin connection of their own. Rejects with EventLogUnavailableError where a later try may succeed. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 2 } });
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    if (!isPassing(error)) throw error;
    throw new EventLogUnavailableError(`the broker did not answer: ${kafkaErrorName(error)}`, { cause: error });
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** kafkajs says of the innermost error whether it passes; around it, of its tries, that they are over. */
function isPassing(error: unknown): boolean {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error && 'retriable' in inner && inner.retriable === true;
}
