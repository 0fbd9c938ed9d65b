import { createEventLog } from '@realchat/eventlog';
import { createTelemetry } from '@realchat/telemetry';

/** Makes the topics of the event log that are missing. Answers their names. */
export async function ensureTopics(kafkaPort: number): Promise<string[]> {
  const { log, metrics } = createTelemetry({ service: 'launcher', instance: 'launcher', level: 'error' });
  const brokers = [{ host: '127.0.0.1', port: kafkaPort }];
  const eventLog = createEventLog({ brokers, clientId: 'realchat-launcher', log, metrics });
  try {
    return await eventLog.ensureTopics();
  } finally {
    await eventLog.stop();
  }
}
