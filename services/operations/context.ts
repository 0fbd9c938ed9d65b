import type { Pool } from '@realchat/db';
import type { EventLog, Producer } from '@realchat/eventlog';
import type { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import type { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import type { EveryInstance, GrpcClient } from '@realchat/rpc';
import type { Events } from './events.ts';

/** What operations' handlers and consumers work with. */
export interface OperationsContext {
  pool: Pool;
  /** Reads records by their place. */
  eventLog: Pick<EventLog, 'fetching'>;
  /** Appends what is replayed. */
  producer: Producer;
  /** Where a message stands. */
  messageFacts: Pick<GrpcClient<(typeof MessageFactsService)['method']>, 'getMessageFacts'>;
  /** What each delivery node knows of it. */
  deliveryNodes: Pick<EveryInstance<(typeof DeliveryFactsService)['method']>, 'ask'>;
  events: Events;
  /** Whether a session has ended, as far as is known here. */
  isRevoked: (sessionId: string) => boolean;
  /** Aborted when the process stops: streams end. */
  stopping: AbortSignal;
}
