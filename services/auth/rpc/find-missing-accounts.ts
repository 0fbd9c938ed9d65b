import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  FindMissingAccountsRequest,
  FindMissingAccountsResponseSchema,
} from '@realchat/gen/realchat/auth/v1/account_service';
import type { AuthContext } from '../context.ts';
import { findMissingAccounts as readMissing } from '../db/accounts.ts';

/** Those of the ids that no account has. */
export async function findMissingAccounts(
  context: AuthContext,
  request: FindMissingAccountsRequest,
): Promise<MessageInitShape<typeof FindMissingAccountsResponseSchema>> {
  return { missingUserIds: await readMissing(context.pool, request.userIds) };
}
