import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type {
  GetMessageFactsRequest,
  GetMessageFactsResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { Code, RpcError } from '@realchat/rpc';
import type { FactsContext } from '../context.ts';
import { readMessageFacts } from '../db/read-message-facts.ts';

/** Where a message stands and who may see it; never what it says. */
export async function getMessageFacts(
  { pool }: FactsContext,
  { messageId, userId }: GetMessageFactsRequest,
): Promise<MessageInitShape<typeof GetMessageFactsResponseSchema>> {
  const found = await readMessageFacts(pool, { messageId, userId });
  if (!found) throw new RpcError(Code.NOT_FOUND, 'MESSAGE_NOT_FOUND', 'no such message');
  const { message, stints } = found;
  return {
    conversationId: message.conversation_id,
    seq: message.seq,
    number: message.number,
    shard: message.shard,
    position: message.position,
    commitTime: timestampFromDate(message.create_time),
    publishedPosition: message.published ?? 0n,
    relayOwner: message.owner ?? '',
    relayAlive: message.relay_alive,
    ...(message.lease_until && { relayLeaseEndTime: timestampFromDate(message.lease_until) }),
    stints: stints.map(({ joined_seq: joinedSeq, left_seq: leftSeq }) => ({ joinedSeq, leftSeq: leftSeq ?? 0n })),
    markedDelivered: message.marked_delivered,
    markedRead: message.marked_read,
  };
}
