import { io } from 'socket.io-client';
import type { Arrival } from '../load/ledger.ts';
import type { PostedMessage, Posting } from '../peers/socketio/protocol.ts';
import type { ClientKind } from './chat-client.ts';

const DEADLINE_MS = 20_000;

/** The peer's own client, over a WebSocket. `address` is its URL. */
export const socketIoClient: ClientKind = {
  receives: true,
  async connect(address, user, arrived) {
    const socket = io(address, { auth: { token: user.token }, transports: ['websocket'], forceNew: true });
    socket.on('message', ({ id, conversationId, senderId, clientId, text }: PostedMessage) => {
      const arrival: Arrival = { conversation: conversationId, key: clientId, text, sender: senderId, place: id };
      arrived(arrival);
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    for (const conversation of user.conversations) await socket.timeout(DEADLINE_MS).emitWithAck('join', conversation);
    return {
      async send(conversationId, clientId, text) {
        const posting: Posting = { conversationId, clientId, text };
        const answer: { id: number } | { error: string } = await socket
          .timeout(DEADLINE_MS)
          .emitWithAck('post', posting);
        if ('error' in answer) throw new Error(answer.error);
        return answer.id;
      },
      async close() {
        socket.disconnect();
      },
    };
  },
};
