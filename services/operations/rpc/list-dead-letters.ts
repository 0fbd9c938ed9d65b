import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListDeadLettersRequest,
  ListDeadLettersResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { Call } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { listLetters } from '../db/list-letters.ts';
import { describeFilter, toLetterFilter } from '../domain/letter-filter.ts';
import { decodePageToken, encodePageToken } from '../domain/page-token.ts';
import { toDeadLetter } from './letter-answer.ts';
import { auditLook, requireOperator } from './operator.ts';

const DEFAULT_PAGE_SIZE = 50;

/** A page of the dead letters that a filter selects, the one that failed last first. */
export async function listDeadLetters(
  context: OperationsContext,
  call: Call,
  request: ListDeadLettersRequest,
): Promise<MessageInitShape<typeof ListDeadLettersResponseSchema>> {
  await requireOperator(context, call);
  const filter = toLetterFilter(request.filter);
  const after = request.pageToken ? decodePageToken(request.pageToken) : undefined;
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  await auditLook(context, call, 'list', describeFilter(filter));

  const found = await listLetters(context.pool, { filter, after, limit: size + 1 });
  const page = found.slice(0, size);
  const last = found.length > size ? page.at(-1) : undefined;
  return {
    deadLetters: page.map(toDeadLetter),
    nextPageToken: last ? encodePageToken({ ...last, lastAttemptMs: last.lastAttempt.getTime() }) : '',
  };
}
