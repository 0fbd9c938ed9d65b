import { Code, RpcError } from '@realchat/rpc';
import type { MarkRefusal } from '../db/mark-position.ts';
import { MAX_MEMBERS, type Refusal } from '../domain/group-rules.ts';

/** The one answer for a conversation that does not exist and one that the caller may not see. */
export function conversationNotFound(): RpcError {
  return new RpcError(Code.NOT_FOUND, 'CONVERSATION_NOT_FOUND', 'no such conversation');
}

/** The caller is in as many conversations as there may be. */
export function tooManyConversations(most: number): RpcError {
  const message = `you are in ${most} conversations; leave one first`;
  return new RpcError(Code.RESOURCE_EXHAUSTED, 'TOO_MANY_CONVERSATIONS', message);
}

/** A request whose field is well-formed and wrong. */
export function invalidField(reason: string, field: string, message: string): RpcError {
  return new RpcError(Code.INVALID_ARGUMENT, reason, message, { violations: [{ field, description: message }] });
}

/** A refusal of the group's rules as the caller is told it. */
export function refusalError(refusal: Refusal): RpcError {
  switch (refusal) {
    case 'CONVERSATION_NOT_FOUND':
      return conversationNotFound();
    case 'NOT_A_GROUP':
      return new RpcError(Code.FAILED_PRECONDITION, refusal, 'a direct conversation cannot be changed');
    case 'ROLE_REQUIRED':
      return new RpcError(Code.PERMISSION_DENIED, refusal, 'your role in this group does not allow this');
    case 'MEMBER_NOT_FOUND':
      return new RpcError(Code.NOT_FOUND, refusal, 'no such member');
    case 'OWNER_REQUIRED':
      return invalidField(refusal, 'role', 'a group has an owner: make another member the owner instead');
    case 'GROUP_FULL':
      return new RpcError(Code.RESOURCE_EXHAUSTED, refusal, `a group has at most ${MAX_MEMBERS} members`);
  }
}

/** A refusal of a mark as the caller is told it. */
export function markRefusalError(refusal: MarkRefusal): RpcError {
  if (refusal === 'CONVERSATION_NOT_FOUND') return conversationNotFound();
  return invalidField(refusal, 'number', 'no message has that number yet');
}
