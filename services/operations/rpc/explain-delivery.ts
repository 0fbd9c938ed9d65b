import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { CONVERSATION_EVENTS } from '@realchat/eventlog';
import type { GetMessageFactsResponse } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import type {
  ExplainDeliveryRequest,
  ExplainDeliveryResponseSchema,
} from '@realchat/gen/realchat/operations/v1/explain_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { explain } from '../domain/explain/explain.ts';
import { auditLook, requireOperator } from './operator.ts';

/** What became of a message on its way to a user. */
export async function explainDelivery(
  context: OperationsContext,
  call: Call,
  { messageId, userId }: ExplainDeliveryRequest,
): Promise<MessageInitShape<typeof ExplainDeliveryResponseSchema>> {
  await requireOperator(context, call);
  await auditLook(context, call, 'explain-delivery', `${messageId} to ${userId}`);

  const message = await findMessage(context, call, messageId, userId);
  const { shard, position, commitTime } = message;
  const asked = { userId, shard, position, ...(commitTime && { commitTime }) };
  const { signal, trace } = call;
  const answers = await context.deliveryNodes.ask((node) => node.getDeliveryFacts(asked, { signal, trace }));
  const unreachable = answers.filter((each) => 'error' in each);
  for (const { address, error } of unreachable)
    call.log.warn({ address, err: error }, 'a delivery node did not answer');

  const evidence = {
    message,
    topic: CONVERSATION_EVENTS.name,
    nodes: answers.flatMap((each) => ('answer' in each ? each.answer : [])),
    unreachable: unreachable.map(({ address }) => address),
  };
  return { ...explain(evidence), explainTime: timestampNow() };
}

async function findMessage(
  { messageFacts }: OperationsContext,
  { signal, trace }: Call,
  messageId: string,
  userId: string,
): Promise<GetMessageFactsResponse> {
  try {
    return await messageFacts.getMessageFacts({ messageId, userId }, { signal, trace });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === Code.NOT_FOUND)) throw error;
    throw new RpcError(Code.NOT_FOUND, 'MESSAGE_NOT_FOUND', 'there is no message of this id');
  }
}
