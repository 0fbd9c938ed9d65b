import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jwtVerify } from 'jose';
import type pg from 'pg';
import { Server, type Socket } from 'socket.io';
import { insertMessage, isMember } from './database.ts';
import type { PostedMessage, Posting } from './protocol.ts';

// The chat that one writes in an afternoon, with care: a token check, a room per conversation, and a message that is
// inserted and committed before anyone is told of it. No retries, no resumption, no second node.

/** Serves the peer on a free port of this machine; answers the port. */
export async function servePeer(pool: pg.Pool, secret: Uint8Array): Promise<number> {
  const http = createServer();
  const io = new Server(http, { transports: ['websocket'], serveClient: false });
  io.use((socket, admit) => {
    jwtVerify(String(socket.handshake.auth['token']), secret, { algorithms: ['HS256'] })
      .then(({ payload }) => {
        socket.data.userId = payload.sub;
        admit();
      })
      .catch(() => admit(new Error('unauthenticated')));
  });
  io.on('connection', (socket) => serve(io, socket, pool));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return (http.address() as AddressInfo).port;
}

function serve(io: Server, socket: Socket, pool: pg.Pool): void {
  const { userId } = socket.data;

  const join = async (conversationId: string) => {
    if (!(await isMember(pool, conversationId, userId))) return { error: 'not a member' };
    await socket.join(conversationId);
    return {};
  };
  const post = async (posting: Posting) => {
    if (!socket.rooms.has(posting.conversationId)) return { error: 'not a member' };
    const id = await insertMessage(pool, userId, posting);
    const message: PostedMessage = { id, senderId: userId, ...posting };
    io.to(posting.conversationId).emit('message', message);
    return { id };
  };
  const answering =
    <T>(handle: (body: T) => Promise<object>) =>
    (body: T, ack: (answer: object) => void) => {
      handle(body).then(ack, (error: Error) => ack({ error: error.message }));
    };
  socket.on('join', answering(join));
  socket.on('post', answering(post));
}
