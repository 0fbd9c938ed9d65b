import { type RpcError, unavailable } from '@realchat/rpc';

/** The users of a request, each once, as they are known. */
export function userIdsOf({ userIds }: { userIds: readonly string[] }): string[] {
  return [...new Set(userIds.map((userId) => userId.toLowerCase()))];
}

/** Redis is away, or has lost who is there. */
export function presenceUnknown(cause: unknown): RpcError {
  return unavailable('who is online is not known now', cause);
}
