import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { TransientSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { connectInBackground, openConnection } from '@realchat/redis';
import { Counter, type Logger, type Registry } from '@realchat/telemetry';
import { CHANNEL } from './channel.ts';

/** Tells every delivery node of what is worth seeing now or never. */
export interface TransientPublisher {
  start(): void;
  stop(): void;
  /** Returns at once. What Redis does not take now is dropped and counted; nobody is told of it. */
  publish(transient: MessageInitShape<typeof TransientSchema>): void;
}

const COMMAND_TIMEOUT_MS = 500;
/** More than these on their way to Redis, and what comes besides is dropped. */
const MAX_IN_FLIGHT = 1_000;

export function createTransientPublisher(options: {
  redisUrl: string;
  log: Logger;
  metrics: Registry;
}): TransientPublisher {
  const redis = openConnection({
    url: options.redisUrl,
    name: 'transients-publisher',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    log: options.log,
  });
  const published = new Counter({
    name: 'realchat_transients_published_total',
    help: 'Transients that were to be told to the delivery nodes, by kind and outcome: published, or dropped.',
    labelNames: ['kind', 'outcome'],
    registers: [options.metrics],
  });
  let inFlight = 0;

  const send = async (bytes: Buffer): Promise<boolean> => {
    if (redis.status !== 'ready' || inFlight >= MAX_IN_FLIGHT) return false;
    inFlight++;
    try {
      await redis.publish(CHANNEL, bytes);
      return true;
    } catch {
      return false;
    } finally {
      inFlight--;
    }
  };

  return {
    start: () => connectInBackground(redis),
    stop: () => redis.disconnect(),
    publish(transient) {
      const message = create(TransientSchema, transient);
      const kind = message.kind.case ?? 'unknown';
      void send(Buffer.from(toBinary(TransientSchema, message))).then((sent) =>
        published.inc({ kind, outcome: sent ? 'published' : 'dropped' }),
      );
    },
  };
}
