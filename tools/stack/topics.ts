import type { HostPort } from '@realchat/config';
import { createEventLog } from '@realchat/eventlog';
import { createTelemetry } from '@realchat/telemetry';

/** Makes the topics of the event log that are missing. Answers their names. */
export async function ensureTopics(brokers: HostPort[]): Promise<string[]> {
  const { log, metrics } = createTelemetry({ service: 'launcher', instance: 'launcher', level: 'error' });
  const eventLog = createEventLog({ brokers, clientId: 'realchat-launcher', log, metrics });
  try {
    return await eventLog.ensureTopics();
  } finally {
    await eventLog.stop();
  }
}
