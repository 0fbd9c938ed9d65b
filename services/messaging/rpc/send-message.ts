import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  SendMessageRequest,
  SendMessageResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import { asBuffer, type Call, Code, exhausted, RpcError } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import { v7 as uuidv7 } from 'uuid';
import type { MessagingContext } from '../context.ts';
import type { Draft, Outcome } from '../db/append-messages.ts';
import { LaneFullError } from '../db/send-lane.ts';
import { encodeEvent, timestampOf } from '../domain/event-bytes.ts';
import { shardOf } from '../domain/shard.ts';
import { conversationNotFound } from './refusals.ts';

/** Commits a message; membership and idempotency are decided under the lock, with the write. */
export async function sendMessage(
  context: MessagingContext,
  call: Call,
  request: SendMessageRequest,
): Promise<MessageInitShape<typeof SendMessageResponseSchema>> {
  request.conversationId = request.conversationId.toLowerCase();
  const outcome = await append(context, toDraft(call, request));
  switch (outcome.kind) {
    case 'refused':
      context.events.sendRefused(call, 'CONVERSATION_NOT_FOUND');
      throw conversationNotFound();
    case 'key-reused':
      context.events.sendRefused(call, 'CLIENT_MESSAGE_ID_REUSED');
      throw clientMessageIdReused();
    case 'stored':
      context.events.messageStored();
      return toResponse(call, request, outcome);
    case 'repeated':
      context.events.messageRepeated();
      return toResponse(call, request, outcome);
  }
}

function toDraft(call: Call, request: SendMessageRequest): Draft {
  const { userId, deviceId } = call.caller;
  const { conversationId } = request;
  const messageId = uuidv7();
  return {
    shard: shardOf(conversationId),
    conversationId,
    senderId: userId,
    deviceId,
    clientMessageId: request.clientMessageId,
    requestHash: hashOf(request),
    messageId,
    body: asBuffer(
      encodeEvent({
        conversationId,
        actorId: userId,
        change: {
          case: 'messageSent',
          value: {
            message: {
              messageId,
              conversationId,
              senderId: userId,
              clientMessageId: request.clientMessageId,
              content: request.content,
            },
          },
        },
      }),
    ),
    traceparent: formatTraceparent(call.trace),
  };
}

/** What makes two sends the same: where to, and what. */
function hashOf(request: SendMessageRequest): Buffer {
  const { content } = request;
  return createHash('sha256')
    .update(`${request.conversationId}\n${content.case}\n${content.value ?? ''}`)
    .digest();
}

async function append(context: MessagingContext, draft: Draft): Promise<Outcome> {
  try {
    return await context.sendLane.append(draft);
  } catch (error) {
    if (error instanceof LaneFullError)
      throw exhausted('SEND_QUEUE_FULL', 'too many messages at once; retry in a moment', 500);
    throw error;
  }
}

function toResponse(
  call: Call,
  request: SendMessageRequest,
  stored: Extract<Outcome, { kind: 'stored' | 'repeated' }>,
): MessageInitShape<typeof SendMessageResponseSchema> {
  return {
    message: {
      messageId: stored.messageId,
      conversationId: request.conversationId,
      seq: stored.seq,
      number: stored.number,
      senderId: call.caller.userId,
      createTime: timestampOf(stored.createTimeMicros),
      clientMessageId: request.clientMessageId,
      content: request.content,
    },
  };
}

function clientMessageIdReused(): RpcError {
  const message = 'this client_message_id was used for another message';
  return new RpcError(Code.INVALID_ARGUMENT, 'CLIENT_MESSAGE_ID_REUSED', message, {
    violations: [{ field: 'client_message_id', description: message }],
  });
}
