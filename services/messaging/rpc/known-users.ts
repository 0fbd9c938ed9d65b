import { type Call, Code, RpcError } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';

/** Asks auth whether these users exist, and throws USER_NOT_FOUND naming one that does not. Auth away is UNAVAILABLE. */
export async function refuseUnknownUsers(context: MessagingContext, call: Call, userIds: string[]): Promise<void> {
  if (userIds.length === 0) return;
  const { missingUserIds } = await context.accounts.findMissingAccounts(
    { userIds },
    { signal: call.signal, trace: call.trace },
  );
  const [missing] = missingUserIds;
  if (missing) throw new RpcError(Code.NOT_FOUND, 'USER_NOT_FOUND', 'no such user', { metadata: { user_id: missing } });
}
