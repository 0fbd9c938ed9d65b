import { createClient } from '@connectrpc/connect';
import { createWebSocketTransport } from '@realchat/client';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { WebSocket } from 'ws';
import type { ClientKind } from './chat-client.ts';
import { deliver } from './events.ts';

const DEADLINE_MS = 20_000;

/** The transport of RealChat's TypeScript client: all of a user's calls over one WebSocket. `address` is its URL. */
export const webSocketClient: ClientKind = {
  receives: true,
  async connect(address, user, arrived) {
    const transport = createWebSocketTransport({
      url: address,
      token: () => user.token,
      webSocket: WebSocket as never,
      defaultTimeoutMs: DEADLINE_MS,
    });
    const messages = createClient(MessageService, transport);
    const stopping = new AbortController();
    const live = Promise.withResolvers<void>();
    const follow = async () => {
      const options = { signal: stopping.signal, timeoutMs: 0 };
      for await (const frame of createClient(DeliveryService, transport).subscribe({}, options)) {
        deliver(frame, arrived, live.resolve);
      }
    };
    const following = follow().catch(live.reject);
    await live.promise;
    return {
      async send(conversationId, clientMessageId, text) {
        const request = { conversationId, clientMessageId, content: { case: 'text' as const, value: text } };
        return Number((await messages.sendMessage(request)).message?.seq);
      },
      async close() {
        stopping.abort();
        await following;
        transport.close();
      },
    };
  },
};
