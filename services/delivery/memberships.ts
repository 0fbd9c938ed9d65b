import type { HostPort } from '@realchat/config';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import type { Identity } from '@realchat/identity';
import { type Call, createGrpcClient } from '@realchat/rpc';

/** Who is with whom, as the database has it: for what this node's own memory does not tell. Rejects when messaging is away. */
export interface Memberships {
  /** Whether the caller is a member of a conversation at present. */
  check(call: Call, conversationId: string): Promise<boolean>;
  /** Those of the asked with whom a user shares a conversation at present, and the other sides of direct conversations. */
  companions(userId: string, askedIds: readonly string[], maxDirectPeers?: number): Promise<Set<string>>;
  close(): void;
}

const DEADLINE_MS = 2_000;

/** Asks messaging's internal listener. */
export function createMemberships(addresses: readonly HostPort[], identity: Identity | undefined): Memberships {
  const client = createGrpcClient(MembershipService, addresses, { identity, deadlineMs: DEADLINE_MS });
  return {
    async check({ caller, signal, trace }, conversationId) {
      const { member } = await client.checkMembership({ userId: caller.userId, conversationId }, { signal, trace });
      return member;
    },
    async companions(userId, askedIds, maxDirectPeers = 0) {
      const request = { userId, candidateIds: [...askedIds], maxDirectPeers };
      const { companionIds, directPeerIds } = await client.findCompanions(request);
      return new Set([...companionIds, ...directPeerIds]);
    },
    close: () => client.close(),
  };
}
