import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  DiscardDeadLettersRequest,
  DiscardDeadLettersResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { discardLetters } from '../db/discard-letters.ts';
import { letterId, parseLetterId } from '../domain/letter-id.ts';
import { deadLetterNotFound, toDeadLetter } from './letter-answer.ts';
import { requireOperator } from './operator.ts';

/** Gives dead letters up for a reason, all of them or none. */
export async function discardDeadLetters(
  context: OperationsContext,
  call: Call,
  { ids, reason }: DiscardDeadLettersRequest,
): Promise<MessageInitShape<typeof DiscardDeadLettersResponseSchema>> {
  await requireOperator(context, call);
  const by = { userId: call.caller.userId, traceId: call.trace.traceId };
  const result = await discardLetters(context.pool, ids.map(parseLetterId), reason, by);
  if ('notFound' in result) throw deadLetterNotFound(result.notFound);
  if ('notOpen' in result) {
    const message = `${letterId(result.notOpen)} was replayed and is not open`;
    throw new RpcError(Code.FAILED_PRECONDITION, 'DEAD_LETTER_NOT_OPEN', message);
  }
  for (const id of ids) context.events.operatorActed(call, 'discard', id, reason);
  return { deadLetters: result.letters.map(toDeadLetter) };
}
