import { createEventLog } from '@realchat/eventlog';
import { createRelay } from '@realchat/outbox';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { RelayConfig } from './config.ts';
import { logSource } from './db/log-source.ts';

/** The relay process: publishes messaging's event log to Kafka. Several share the shards. */
export function createRelayService(config: RelayConfig, { log, metrics }: Telemetry): Service {
  const eventLog = createEventLog({ brokers: config.KAFKA_BROKERS, clientId: config.INSTANCE_ID, log, metrics });
  const relay = createRelay({
    url: config.DATABASE_URL,
    source: logSource,
    producer: eventLog.producer(),
    owner: config.INSTANCE_ID,
    log,
    metrics,
  });
  let ops: OpsServer | undefined;

  return {
    async start() {
      relay.start();
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems: () => relay.problems() });
    },
    stop: () =>
      stopInOrder(log, [
        ['relay', 5_000, () => relay.stop()],
        ['event log', 2_000, () => eventLog.stop()],
        ['ops', 500, () => ops?.stop()],
      ]),
  };
}
