import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  FindCompanionsRequest,
  FindCompanionsResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/membership_service';
import type { MembershipContext } from '../context.ts';
import { readCompanions, readDirectPeers } from '../db/read-memberships.ts';

/** Tells with whom a user shares conversations: among some, and the other sides of direct ones. */
export async function findCompanions(
  { pool }: MembershipContext,
  { userId, candidateIds, maxDirectPeers }: FindCompanionsRequest,
): Promise<MessageInitShape<typeof FindCompanionsResponseSchema>> {
  const [companionIds, directPeerIds] = await Promise.all([
    candidateIds.length > 0 ? readCompanions(pool, userId, candidateIds) : [],
    maxDirectPeers > 0 ? readDirectPeers(pool, userId, maxDirectPeers) : [],
  ]);
  return { companionIds, directPeerIds };
}
