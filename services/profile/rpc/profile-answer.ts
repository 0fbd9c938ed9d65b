import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { ProfileSchema } from '@realchat/gen/realchat/profile/v1/profile';
import { Code, RpcError } from '@realchat/rpc';
import type { StoredProfile } from '../db/profile-row.ts';

/** A profile as the contract has it. */
export function toProfile({ createTimeMicros, ...shown }: StoredProfile): MessageInitShape<typeof ProfileSchema> {
  const createTime = create(TimestampSchema, {
    seconds: createTimeMicros / 1_000_000n,
    nanos: Number(createTimeMicros % 1_000_000n) * 1_000,
  });
  return { ...shown, createTime };
}

export function profileNotFound(): RpcError {
  return new RpcError(Code.NOT_FOUND, 'PROFILE_NOT_FOUND', 'no such profile');
}
