import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  GetDeadLetterRequest,
  GetDeadLetterResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { Call } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { findLetters } from '../db/list-letters.ts';
import { parseLetterId } from '../domain/letter-id.ts';
import { describeRecord } from '../letters/describe-record.ts';
import { fetchLetter } from '../letters/fetch-letter.ts';
import { deadLetterNotFound, toDeadLetter } from './letter-answer.ts';
import { auditLook, requireOperator } from './operator.ts';

/** One dead letter with its record, decoded by today's schema. */
export async function getDeadLetter(
  context: OperationsContext,
  call: Call,
  { deadLetterId }: GetDeadLetterRequest,
): Promise<MessageInitShape<typeof GetDeadLetterResponseSchema>> {
  await requireOperator(context, call);
  const coordinates = parseLetterId(deadLetterId);
  const [letter] = await findLetters(context.pool, [coordinates]);
  if (!letter) throw deadLetterNotFound(coordinates);
  await auditLook(context, call, 'get', deadLetterId);

  const kept = await context.eventLog.fetching((fetcher) => fetchLetter(fetcher, letter));
  return { deadLetter: toDeadLetter(letter), ...(kept && { record: describeRecord(kept) }) };
}
