import type { DescMethod } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';

/** How often something may happen: `burst` times at once, and from then on `count` times in `seconds`, evenly. */
export interface Rate {
  readonly count: number;
  readonly seconds: number;
  readonly burst: number;
}

/** A row of the table. */
export interface Limit extends Rate {
  /** What is counted: calls of one client address, of one user, messages of one socket, tries at one account. */
  readonly by: 'address' | 'user' | 'socket' | 'account';
  /** The methods that it is for; all when left out of a row by address or user. */
  readonly methods?: readonly DescMethod[];
  /** The part of it that each process allows while Redis is away. Default 1. */
  readonly withoutRedis?: number;
}

const auth = AuthService.method;
const conversations = ConversationService.method;
const messages = MessageService.method;
const delivery = DeliveryService.method;
const profiles = ProfileService.method;

/** The one table. A call is counted in every row that it belongs to, and refused when one of them is full. */
export const LIMITS = {
  login_address: { by: 'address', methods: [auth.login], count: 20, seconds: 60, burst: 60, withoutRedis: 0.5 },
  login_account_address: { by: 'account', count: 2, seconds: 60, burst: 10, withoutRedis: 0.5 },
  login_account: { by: 'account', count: 100, seconds: 3_600, burst: 100, withoutRedis: 0.5 },
  register_address: { by: 'address', methods: [auth.register], count: 6, seconds: 60, burst: 60, withoutRedis: 0.5 },
  refresh_address: { by: 'address', methods: [auth.refreshSession, auth.logout], count: 10, seconds: 1, burst: 300 },
  change_password: { by: 'user', methods: [auth.changePassword], count: 1, seconds: 60, burst: 5, withoutRedis: 0.5 },
  search_profiles: { by: 'user', methods: [profiles.searchProfiles], count: 2, seconds: 1, burst: 30 },
  create_conversation: {
    by: 'user',
    methods: [conversations.createConversation],
    count: 30,
    seconds: 60,
    burst: 100,
  },
  add_members: { by: 'user', methods: [conversations.addMembers], count: 30, seconds: 60, burst: 100 },
  send_message: { by: 'user', methods: [messages.sendMessage], count: 20, seconds: 1, burst: 100 },
  lists: {
    by: 'user',
    methods: [
      conversations.listConversations,
      conversations.listLeftConversations,
      conversations.listMembers,
      messages.listMessages,
      profiles.batchGetProfiles,
      delivery.getPresence,
    ],
    count: 20,
    seconds: 1,
    burst: 200,
  },
  subscribe: { by: 'user', methods: [delivery.subscribe, delivery.watchPresence], count: 1, seconds: 1, burst: 60 },
  user: { by: 'user', count: 50, seconds: 1, burst: 300 },
  address: { by: 'address', count: 500, seconds: 1, burst: 3_000 },
  socket_messages: { by: 'socket', count: 500, seconds: 1, burst: 5_000 },
  socket_bytes: { by: 'socket', count: 4 * 1024 * 1024, seconds: 1, burst: 16 * 1024 * 1024 },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;

/** The table in force. */
export type LimitTable = Readonly<Record<LimitName, Limit>>;

export const limitNames = Object.keys(LIMITS) as LimitName[];
