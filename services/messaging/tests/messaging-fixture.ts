import { fromBinary } from '@bufbuild/protobuf';
import { type Client, createClient } from '@realchat/db';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import {
  type ConversationEvent,
  ConversationEventSchema,
} from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { createGrpcServer, implement, unavailable } from '@realchat/rpc';
import { createTestDatabase, redisUrl, silentTelemetry } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { v7 as uuidv7 } from 'uuid';
import { migrations } from '../db/migrations/index.ts';
import { shardOf } from '../domain/shard.ts';
import { createMessagingService, type MessagingService } from '../service.ts';

const anywhere = { host: '127.0.0.1', port: 0 };

/** A user with clients of their own. */
export interface User {
  id: string;
  conversations: TestClient<typeof ConversationService>;
  messages: TestClient<typeof MessageService>;
}

/** Messaging on a database of its own. Auth's listener is stood in for: everyone exists but `unknownUser`. */
export interface Fixture {
  service: MessagingService;
  url: string;
  db: Client;
  log: TestClient<typeof LogService>;
  unknownUser: string;
  /** Auth does not answer while this is set. */
  accountsAway: boolean;
  /** New users. */
  users(count: number): Promise<User[]>;
  /** The user of this id. */
  /** On a device of their own, or on another one. */
  user(id: string, device?: string): Promise<User>;
  /** A group of the first one, with the others in it. */
  group(owner: User, members: User[], title?: string): Promise<string>;
  direct(from: User, to: User): Promise<string>;
  send(user: User, conversationId: string, text?: string): Promise<{ messageId: string; seq: bigint; number: bigint }>;
  /** What the log has of a conversation, in its order, decoded. */
  events(conversationId: string): Promise<ConversationEvent[]>;
  stop(): Promise<void>;
}

export async function createFixture(
  settings: { REDIS_URL?: string; MAX_CONVERSATIONS_PER_USER?: number; UNREAD_AUDIT_SECONDS?: number } = {},
): Promise<Fixture> {
  const unknownUser = uuidv7();
  const issuer = await startIssuer();
  const accounts = createGrpcServer({
    identity: undefined,
    listen: anywhere,
    implementations: [
      implement(AccountService, {
        findMissingAccounts: async (_call, request) => {
          if (fixture.accountsAway) throw unavailable('away');
          return { missingUserIds: request.userIds.filter((id) => id === unknownUser) };
        },
      }),
    ],
    ...silentTelemetry(),
  });
  await accounts.start();
  const url = await createTestDatabase(migrations);
  const db = createClient({ url, name: 'test' });
  await db.connect();
  const service = createMessagingService(
    {
      REALCHAT_MODE: 'development',
      INSTANCE_ID: 'test',
      LOG_LEVEL: 'error',
      OPS_LISTEN: anywhere,
      GRPC_LISTEN: anywhere,
      INTERNAL_LISTEN: anywhere,
      JWKS_URL: [issuer.url],
      JWKS_MAX_AGE_SECONDS: 60,
      TOKEN_ISSUER: ISSUER,
      TOKEN_AUDIENCE: AUDIENCE,
      REDIS_URL: redisUrl(),
      DATABASE_URL: url,
      DATABASE_POOL_SIZE: 5,
      UNREAD_AUDIT_SECONDS: 0,
      AUTH_INTERNAL: [{ host: '127.0.0.1', port: accounts.port }],
      MAX_CONVERSATIONS_PER_USER: 5_000,
      ...settings,
    },
    silentTelemetry(),
  );
  await service.start();
  const log = createTestClient(LogService, service.ports.internal);

  const fixture: Fixture = {
    service,
    url,
    db,
    log,
    unknownUser,
    accountsAway: false,
    users: (count) => Promise.all(Array.from({ length: count }, () => fixture.user(uuidv7()))),
    async user(id, device = `device-${id}`) {
      const token = await issuer.sign({ sub: id, did: device });
      return {
        id,
        conversations: createTestClient(ConversationService, service.ports.grpc, token),
        messages: createTestClient(MessageService, service.ports.grpc, token),
      };
    },
    async group(owner, members, title = 'A group') {
      const value = { title, memberIds: members.map(({ id }) => id) };
      const { conversation } = await owner.conversations.createConversation({ conversation: { case: 'group', value } });
      return conversation?.conversationId ?? '';
    },
    async direct(from, to) {
      const value = { userId: to.id };
      const { conversation } = await from.conversations.createConversation({ conversation: { case: 'direct', value } });
      return conversation?.conversationId ?? '';
    },
    async send(user, conversationId, text = 'a message') {
      const content = { case: 'text', value: text } as const;
      const { message } = await user.messages.sendMessage({ conversationId, clientMessageId: uuidv7(), content });
      if (!message) throw new Error('no message in the answer');
      return message;
    },
    async events(conversationId) {
      const shard = shardOf(conversationId);
      const found: ConversationEvent[] = [];
      let afterPosition = 0n;
      for (;;) {
        const { records, throughPosition } = await log.readLog({ shard, afterPosition, pageSize: 1_000 });
        for (const record of records) {
          if (record.conversationId === conversationId) found.push(fromBinary(ConversationEventSchema, record.event));
        }
        if (throughPosition === afterPosition) return found;
        afterPosition = throughPosition;
      }
    },
    async stop() {
      await service.stop();
      await accounts.stop(100);
      await issuer.stop();
      await db.end();
    },
  };
  return fixture;
}
