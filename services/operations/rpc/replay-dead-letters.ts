import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ReplayDeadLettersRequest,
  ReplayDeadLettersResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { Call } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import type { StoredLetter } from '../db/letter-row.ts';
import { findLetters, listReplayable } from '../db/list-letters.ts';
import { describeFilter, toLetterFilter } from '../domain/letter-filter.ts';
import { letterId, parseLetterId } from '../domain/letter-id.ts';
import { replayLetters } from '../letters/replay-letters.ts';
import { deadLetterNotFound } from './letter-answer.ts';
import { auditLook, requireOperator } from './operator.ts';

/** Of those that a filter selects. Who names some means all of them. */
const DEFAULT_COUNT = 100;

/** Appends the records of dead letters to their topics again. */
export async function replayDeadLetters(
  context: OperationsContext,
  call: Call,
  request: ReplayDeadLettersRequest,
): Promise<MessageInitShape<typeof ReplayDeadLettersResponseSchema>> {
  await requireOperator(context, call);
  const { selection } = request;
  const count = request.maxCount || (selection.case === 'ids' ? selection.value.ids.length : DEFAULT_COUNT);
  const found = await select(context, request, count + 1);
  const letters = found.slice(0, count);
  await auditLook(context, call, request.dryRun ? 'try-replay' : 'begin-replay', subjectOf(request));

  const { dryRun, outOfOrder } = request;
  const by = { userId: call.caller.userId, traceId: call.trace.traceId };
  const outcomes = await replayLetters(context, letters, { dryRun, outOfOrder, ...by });
  return { outcomes, hasMore: found.length > count };
}

async function select(
  { pool }: OperationsContext,
  request: ReplayDeadLettersRequest,
  limit: number,
): Promise<StoredLetter[]> {
  if (request.selection.case !== 'ids') {
    return listReplayable(pool, { filter: toLetterFilter(request.selection.value), limit });
  }
  const asked = request.selection.value.ids.map(parseLetterId);
  const found = await findLetters(pool, asked);
  const known = new Set(found.map(letterId));
  const missing = asked.find((each) => !known.has(letterId(each)));
  if (missing) throw deadLetterNotFound(missing);
  return found;
}

function subjectOf({ selection }: ReplayDeadLettersRequest): string {
  if (selection.case !== 'ids') return describeFilter(toLetterFilter(selection.value));
  const [first = '', ...more] = selection.value.ids;
  return more.length > 0 ? `${first} and ${more.length} more` : first;
}
