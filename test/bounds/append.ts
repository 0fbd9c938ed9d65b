import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Call } from '@realchat/rpc';
import { createTelemetry } from '@realchat/telemetry';
import type { MessagingContext } from '../../services/messaging/context.ts';
import { createSendLane } from '../../services/messaging/db/send-lane.ts';
import { sendMessage } from '../../services/messaging/rpc/send-message.ts';
import type { Mesh } from '../e2e/support/start-mesh.ts';

/** A message on its way into the log. */
export interface Draft {
  conversationId: string;
  /** Whose it is: a member. */
  userId: string;
  key: string;
  text: string;
}

/** Messaging's own handler and its own send lane, in this process: all of a send but the edge, the token and the wire. */
export interface Appender {
  /** Resolves when it is committed. Rejects when it is refused. */
  append(draft: Draft): Promise<{ seq: number; messageId: string }>;
  stop(): Promise<void>;
}

export function createAppender(mesh: Mesh): Appender {
  const { log } = createTelemetry({ service: 'messaging', instance: 'bounds', level: 'error' });
  const sendLane = createSendLane({
    url: mesh.stack.environment('messaging').DATABASE_URL ?? '',
    log,
    // Nobody is there to be woken.
    committed: () => {},
    observeBatch: () => {},
  });
  const events = { messageStored() {}, messageRepeated() {}, sendRefused() {} };
  const context = { sendLane, events } as unknown as MessagingContext;
  const trace = { traceId: randomUUID().replaceAll('-', ''), spanId: '00f067aa0ba902b7', sampled: false };
  return {
    async append({ conversationId, userId, key, text }) {
      const caller = { userId, deviceId: 'bounds' };
      const content = { case: 'text' as const, value: text };
      const request = create(SendMessageRequestSchema, { conversationId, clientMessageId: key, content });
      const { message } = await sendMessage(context, { caller, trace } as unknown as Call, request);
      return { seq: Number(message?.seq), messageId: message?.messageId ?? '' };
    },
    stop: () => sendLane.stop(),
  };
}
