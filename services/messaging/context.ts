import type { Pool } from '@realchat/db';
import type { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import type { GrpcClient } from '@realchat/rpc';
import type { ReadTeller } from './db/read-teller.ts';
import type { SendLane } from './db/send-lane.ts';
import type { DeliveredTeller } from './delivered-teller.ts';
import type { Events } from './events.ts';

/** What messaging's handlers work with. */
export interface MessagingContext {
  pool: Pool;
  sendLane: SendLane;
  readTeller: Pick<ReadTeller, 'wake'>;
  deliveredTeller: Pick<DeliveredTeller, 'note'>;
  accounts: Pick<GrpcClient<(typeof AccountService)['method']>, 'findMissingAccounts'>;
  events: Events;
  /** With so many a user makes no further one. */
  maxConversationsPerUser: number;
  /** Wakes the relay for these shards. */
  committed: (shards: Iterable<number>) => void;
}

/** What the mesh's own questions about memberships are answered from. */
export interface MembershipContext {
  pool: Pool;
}

/** What operators' questions about messages are answered from. */
export interface FactsContext {
  pool: Pool;
}

/** What the log's internal readers work with. */
export interface LogContext {
  pool: Pool;
  /** Names the log for its life. */
  epoch: string;
}
