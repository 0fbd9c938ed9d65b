import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SetTypingRequest, SetTypingResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import type { TypingContext } from '../context.ts';

/** Tells the other members' live sessions, on every node, that the caller is typing or has stopped. */
export async function setTyping(
  context: TypingContext,
  call: Call,
  request: SetTypingRequest,
): Promise<MessageInitShape<typeof SetTypingResponseSchema>> {
  const { userId } = call.caller;
  const { active } = request;
  // Sessions are found by the id as the log has it.
  const conversationId = request.conversationId.toLowerCase();
  const member =
    context.hub.knowsMember(userId, conversationId) || (await context.memberships.check(call, conversationId));
  if (!member) throw new RpcError(Code.NOT_FOUND, 'CONVERSATION_NOT_FOUND', 'no such conversation');
  if (!context.typingPace.lets(userId, conversationId, active, performance.now())) {
    context.events.typingSwallowed();
    return {};
  }
  context.transients.publish({ conversationId, actorId: userId, kind: { case: 'typing', value: { active } } });
  return {};
}
