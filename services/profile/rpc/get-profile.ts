import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetProfileRequest, GetProfileResponseSchema } from '@realchat/gen/realchat/profile/v1/profile_service';
import type { ProfileContext } from '../context.ts';
import { findProfileByUserId, findProfileByUsername } from '../db/find-profile.ts';
import type { StoredProfile } from '../db/profile-row.ts';
import { profileNotFound, toProfile } from './profile-answer.ts';

type Response = MessageInitShape<typeof GetProfileResponseSchema>;

/** One profile, for anyone who is logged in. */
export async function getProfile(context: ProfileContext, request: GetProfileRequest): Promise<Response> {
  const profile = await find(context, request);
  if (!profile) throw profileNotFound();
  return { profile: toProfile(profile) };
}

async function find(context: ProfileContext, { key }: GetProfileRequest): Promise<StoredProfile | undefined> {
  switch (key.case) {
    case 'userId':
      return await findProfileByUserId(context.pool, key.value);
    case 'username':
      return await findProfileByUsername(context.pool, key.value);
    case undefined:
      throw new Error('the contract requires a key');
  }
}
