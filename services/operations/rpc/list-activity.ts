import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListActivityRequest,
  ListActivityResponseSchema,
} from '@realchat/gen/realchat/operations/v1/activity_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { listActivity as list } from '../db/list-activity.ts';
import { decodeActivityPageToken, encodeActivityPageToken } from '../domain/page-token.ts';
import { auditLook, requireOperator } from './operator.ts';

const DEFAULT_PAGE_SIZE = 50;

/** A page of a day's conversations, the busiest first. */
export async function listActivity(
  context: OperationsContext,
  call: Call,
  { day, pageSize, pageToken }: ListActivityRequest,
): Promise<MessageInitShape<typeof ListActivityResponseSchema>> {
  await requireOperator(context, call);
  if (!isDay(day)) {
    const message = 'the month has no such day';
    throw new RpcError(Code.INVALID_ARGUMENT, 'DAY_INVALID', message, {
      violations: [{ field: 'day', description: message }],
    });
  }
  const after = pageToken ? decodeActivityPageToken(pageToken) : undefined;
  await auditLook(context, call, 'list-activity', day);

  const size = pageSize || DEFAULT_PAGE_SIZE;
  const found = await list(context.pool, { day, after, limit: size + 1 });
  const page = found.slice(0, size);
  const last = found.length > size ? page.at(-1) : undefined;
  return { conversations: page, nextPageToken: last ? encodeActivityPageToken(last) : '' };
}

function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
