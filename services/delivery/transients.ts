import type { Logger, Registry } from '@realchat/telemetry';
import { createTransientListener, createTransientPublisher, type TransientPublisher } from '@realchat/transients';
import { transientFrame } from './domain/frames.ts';
import type { Hub } from './domain/hub.ts';
import type { Events } from './events.ts';

/** Publishes transients to every node, and hands those of every node to this one's sessions. */
export function createTransients(options: {
  redisUrl: string;
  hub: Hub;
  events: Pick<Events, 'whispered'>;
  log: Logger;
  metrics: Registry;
}): TransientPublisher {
  const { redisUrl, hub, events, log, metrics } = options;
  const publisher = createTransientPublisher({ redisUrl, log, metrics });
  const listener = createTransientListener({
    redisUrl,
    log,
    // Whoever published it, only this node's own memory of memberships says who gets it.
    onTransient(transient) {
      const { conversationId, actorId, kind } = transient;
      events.whispered(kind.case ?? 'unknown', hub.whisper(conversationId, actorId, transientFrame(transient)));
    },
  });
  return {
    start() {
      publisher.start();
      listener.start();
    },
    stop() {
      publisher.stop();
      listener.stop();
    },
    publish: (transient) => publisher.publish(transient),
  };
}
