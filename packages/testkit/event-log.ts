import { hostPorts } from '@realchat/config';
import { createEventLog, type EventLog } from '@realchat/eventlog';
import { inject } from 'vitest';
import { silentTelemetry } from './telemetry.ts';

/** The address of the shared Kafka broker, as KAFKA_BROKERS has it. */
export function kafkaBrokers(): string {
  return inject('kafkaBroker');
}

/**
 * An event log with all topics made, on the shared broker unless given another. Files that run at the same time share the
 * topics there, and the groups: a test looks only for what it wrote.
 */
export async function createTestEventLog(brokers: string = kafkaBrokers()): Promise<EventLog> {
  const { log, metrics } = silentTelemetry();
  const eventLog = createEventLog({ brokers: hostPorts.parse(brokers), clientId: 'testkit', log, metrics });
  await eventLog.ensureTopics();
  return eventLog;
}
