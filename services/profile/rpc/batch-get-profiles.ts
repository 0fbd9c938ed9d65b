import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  BatchGetProfilesRequest,
  BatchGetProfilesResponseSchema,
} from '@realchat/gen/realchat/profile/v1/profile_service';
import type { ProfileContext } from '../context.ts';
import { findProfilesByUserIds } from '../db/find-profile.ts';
import { toProfile } from './profile-answer.ts';

/** The profiles that there are of some ids, for anyone who is logged in. */
export async function batchGetProfiles(
  context: ProfileContext,
  request: BatchGetProfilesRequest,
): Promise<MessageInitShape<typeof BatchGetProfilesResponseSchema>> {
  const found = await findProfilesByUserIds(context.pool, request.userIds);
  return { profiles: found.map(toProfile) };
}
