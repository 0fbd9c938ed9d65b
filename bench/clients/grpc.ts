import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { DeliveryService, SubscribeRequestSchema } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { MessageService, SendMessageRequestSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { ClientKind } from './chat-client.ts';
import { deliver } from './events.ts';

const DEADLINE_MS = 20_000;
const SEND = `/${MessageService.typeName}/${MessageService.method.sendMessage.name}`;
const SUBSCRIBE = `/${DeliveryService.typeName}/${DeliveryService.method.subscribe.name}`;

const same = (bytes: Buffer) => bytes;

/** Native gRPC: unary SendMessage and a Subscribe stream on a connection of the user's own. `address` is `host:port`. */
export const grpcClient: ClientKind = {
  receives: true,
  async connect(address, user, arrived) {
    const channel = new grpc.Client(address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${user.token}`);
    const subscribe = Buffer.from(toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema)));
    const stream = channel.makeServerStreamRequest(SUBSCRIBE, same, same, subscribe, metadata);
    const live = Promise.withResolvers<void>();
    stream.on('data', (bytes: Buffer) => {
      deliver(fromBinary(DeliveryService.method.subscribe.output, bytes), arrived, live.resolve);
    });
    stream.on('error', live.reject);
    await live.promise;
    return {
      send: (conversationId, clientMessageId, text) =>
        new Promise((resolve, reject) => {
          const request = create(SendMessageRequestSchema);
          request.conversationId = conversationId;
          request.clientMessageId = clientMessageId;
          request.content = { case: 'text', value: text };
          channel.makeUnaryRequest(
            SEND,
            same,
            same,
            Buffer.from(toBinary(SendMessageRequestSchema, request)),
            metadata,
            { deadline: Date.now() + DEADLINE_MS },
            (error, answer) => {
              if (error) reject(error);
              else resolve(Number(fromBinary(MessageService.method.sendMessage.output, answer as Buffer).message?.seq));
            },
          );
        }),
      async close() {
        stream.cancel();
        channel.close();
      },
    };
  },
};
