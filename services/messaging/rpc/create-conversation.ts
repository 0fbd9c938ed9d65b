import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';
import type {
  CreateConversationRequest,
  CreateConversationResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { type Call, Code, RpcError } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { MessagingContext } from '../context.ts';
import { readConversation } from '../db/conversation-rows.ts';
import {
  countConversations,
  type Existing,
  findExisting,
  insertConversation,
  type NewConversation,
} from '../db/create-conversation.ts';
import { shardOf } from '../domain/shard.ts';
import { refuseUnknownUsers } from './known-users.ts';
import { conversationNotFound, tooManyConversations } from './refusals.ts';

type Response = MessageInitShape<typeof CreateConversationResponseSchema>;

/** Makes a conversation with the caller in it, or returns the one that this request or this pair has already. */
export async function createConversation(
  context: MessagingContext,
  call: Call,
  request: CreateConversationRequest,
): Promise<Response> {
  const wanted = toNewConversation(call, request);

  const existing = await findExisting(context.pool, wanted);
  if (existing) return respondWith(context, call, accept(existing, wanted));

  await refuseTooMany(context, wanted.creatorId);
  await refuseUnknownUsers(
    context,
    call,
    wanted.memberIds.filter((id) => id !== wanted.creatorId),
  );
  const made = await insertConversation(context.pool, wanted);
  if (!made) {
    const first = await findExisting(context.pool, wanted);
    if (!first) throw new Error('a conversation was in the way and is gone');
    return respondWith(context, call, accept(first, wanted));
  }
  context.committed([shardOf(wanted.conversationId)]);
  context.events.conversationCreated(
    call,
    wanted.kind === ConversationKind.DIRECT ? 'direct' : 'group',
    wanted.memberIds.length,
  );
  return respondWith(context, call, wanted.conversationId);
}

/** What a user's streams, lists and unread counts cost grows with the conversations. Parallel calls may pass by a few. */
async function refuseTooMany({ pool, maxConversationsPerUser }: MessagingContext, userId: string): Promise<void> {
  const count = await countConversations(pool, userId, maxConversationsPerUser);
  if (count >= maxConversationsPerUser) throw tooManyConversations(maxConversationsPerUser);
}

function toNewConversation(call: Call, request: CreateConversationRequest): NewConversation {
  const creatorId = call.caller.userId;
  const base = {
    conversationId: uuidv7(),
    creatorId,
    requestId: request.requestId,
    traceparent: formatTraceparent(call.trace),
  };
  if (request.conversation.case === 'group') {
    const { title } = request.conversation.value;
    const memberIds = [...new Set([creatorId, ...request.conversation.value.memberIds.map((id) => id.toLowerCase())])];
    return { ...base, kind: ConversationKind.GROUP, title, memberIds, requestHash: hashOf('group', title, memberIds) };
  }
  const peerId = request.conversation.value?.userId.toLowerCase() ?? '';
  if (peerId === creatorId) {
    const message = 'a direct conversation is with another user';
    throw new RpcError(Code.INVALID_ARGUMENT, 'CONVERSATION_WITH_SELF', message, {
      violations: [{ field: 'direct.user_id', description: message }],
    });
  }
  const memberIds = [creatorId, peerId];
  return { ...base, kind: ConversationKind.DIRECT, title: '', memberIds, requestHash: hashOf('direct', '', memberIds) };
}

function hashOf(kind: string, title: string, memberIds: string[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([kind, title, memberIds.toSorted()]))
    .digest();
}

/** An existing conversation answers only the same request. */
function accept(existing: Existing, wanted: NewConversation): string {
  if (existing.requestHash.equals(wanted.requestHash)) return existing.conversationId;
  const message = 'this request_id was used for another conversation';
  throw new RpcError(Code.INVALID_ARGUMENT, 'REQUEST_ID_REUSED', message, {
    violations: [{ field: 'request_id', description: message }],
  });
}

async function respondWith(context: MessagingContext, call: Call, conversationId: string): Promise<Response> {
  const conversation = await readConversation(context.pool, call.caller.userId, conversationId);
  // Made once and left since.
  if (!conversation) throw conversationNotFound();
  return { conversation };
}
