import { fromBinary } from '@bufbuild/protobuf';
import { type Transient, TransientSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { createSubscriber } from '@realchat/redis';
import type { Logger } from '@realchat/telemetry';
import { CHANNEL } from './channel.ts';

/** Hears what is published, while Redis is there. */
export interface TransientListener {
  start(): void;
  stop(): void;
}

export function createTransientListener(options: {
  redisUrl: string;
  log: Logger;
  onTransient: (transient: Transient) => void;
}): TransientListener {
  return createSubscriber({
    url: options.redisUrl,
    name: 'transients-subscriber',
    channel: CHANNEL,
    log: options.log,
    onMessage(message) {
      const transient = decoded(message);
      if (transient) options.onTransient(transient);
      else options.log.warn({ bytes: message.length }, 'what was published is no transient');
    },
  });
}

function decoded(message: Uint8Array): Transient | undefined {
  try {
    return fromBinary(TransientSchema, message);
  } catch {
    return undefined;
  }
}
