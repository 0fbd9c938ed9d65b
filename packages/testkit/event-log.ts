import { hostPorts } from '@realchat/config';
import { createEventLog, type EventLog } from '@realchat/eventlog';
import { inject } from 'vitest';
import { silentTelemetry } from './telemetry.ts';

/** The address of the shared Kafka broker, as KAFKA_BROKERS has it. */
export function kafkaBrokers(): string {
  return inject('kafkaBroker');
}

/**
 * An event log on the shared broker, with all topics made. Files that run at the same time share the topics: a test looks
 * only for what it wrote.
 */
export async function createTestEventLog(): Promise<EventLog> {
  const { log, metrics } = silentTelemetry();
  const eventLog = createEventLog({ brokers: hostPorts.parse(kafkaBrokers()), clientId: 'testkit', log, metrics });
  await eventLog.ensureTopics();
  return eventLog;
}
