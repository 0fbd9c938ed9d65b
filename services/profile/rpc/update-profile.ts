import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  UpdateProfileRequest,
  UpdateProfileResponseSchema,
} from '@realchat/gen/realchat/profile/v1/profile_service';
import type { Call } from '@realchat/rpc';
import type { ProfileContext } from '../context.ts';
import { updateProfile as update } from '../db/update-profile.ts';
import { profileNotFound, toProfile } from './profile-answer.ts';

/** Changes the caller's own profile. */
export async function updateProfile(
  context: ProfileContext,
  call: Call,
  request: UpdateProfileRequest,
): Promise<MessageInitShape<typeof UpdateProfileResponseSchema>> {
  const profile = await update(context.pool, call.caller.userId, request.displayName);
  if (!profile) throw profileNotFound();
  context.events.profileUpdated(call);
  return { profile: toProfile(profile) };
}
