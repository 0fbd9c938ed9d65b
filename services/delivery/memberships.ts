import type { HostPort } from '@realchat/config';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { type Call, createGrpcClient } from '@realchat/rpc';

/** Who is with whom, as the database has it: for what this node's own memory does not tell. Rejects when messaging is away. */
export interface Memberships {
  /** Whether the caller is a member of a conversation at present. */
  check(call: Call, conversationId: string): Promise<boolean>;
  close(): void;
}

const DEADLINE_MS = 2_000;

/** Asks messaging's internal listener. */
export function createMemberships(addresses: readonly HostPort[]): Memberships {
  const client = createGrpcClient(MembershipService, addresses, { deadlineMs: DEADLINE_MS });
  return {
    async check({ caller, signal, trace }, conversationId) {
      const { member } = await client.checkMembership({ userId: caller.userId, conversationId }, { signal, trace });
      return member;
    },
    close: () => client.close(),
  };
}
