import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { GetProfileRequest, GetProfileResponseSchema } from '@realchat/gen/realchat/profile/v1/profile_service';
import { Code, RpcError } from '@realchat/rpc';
import type { ProfileContext } from '../context.ts';
import { findProfileByUserId, findProfileByUsername, type StoredProfile } from '../db/find-profile.ts';

type Response = MessageInitShape<typeof GetProfileResponseSchema>;

/** One profile, for anyone who is logged in. */
export async function getProfile(context: ProfileContext, request: GetProfileRequest): Promise<Response> {
  const profile = await find(context, request);
  if (!profile) throw new RpcError(Code.NOT_FOUND, 'PROFILE_NOT_FOUND', 'no such profile');
  const { createTimeMicros, ...shown } = profile;
  const createTime = create(TimestampSchema, {
    seconds: createTimeMicros / 1_000_000n,
    nanos: Number(createTimeMicros % 1_000_000n) * 1_000,
  });
  return { profile: { ...shown, createTime } };
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
