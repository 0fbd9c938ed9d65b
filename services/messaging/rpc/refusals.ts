import { Code, RpcError } from '@realchat/rpc';

/** The one answer for a conversation that does not exist and one that the caller may not see. */
export function conversationNotFound(): RpcError {
  return new RpcError(Code.NOT_FOUND, 'CONVERSATION_NOT_FOUND', 'no such conversation');
}
