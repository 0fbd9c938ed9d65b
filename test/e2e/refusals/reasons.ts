import { randomBytes, randomUUID } from 'node:crypto';
import { create, type DescMethod } from '@bufbuild/protobuf';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { MemberRole } from '@realchat/gen/realchat/messaging/v1/conversation';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import { newPassword, newUsername, type User } from '../clients/user.ts';
import type { Ask, Outcome } from '../probes/outcome.ts';

/** Who and what there is to ask about. */
export interface Scene {
  owner: User;
  peer: User;
  /** Of the two. */
  conversationId: string;
}

/** A request that is well-formed and still refused, for a reason that the contract names. */
export interface ReasonCase {
  code: string;
  reason: string;
  /** What is wrong, when one reason has several cases. */
  when: string;
  ask: (scene: Scene) => Ask | Promise<Ask>;
  /** What the refusal has besides code and reason. */
  also?: Partial<Outcome>;
}

const register = AuthService.method.register;
const refresh = AuthService.method.refreshSession;
const revokeSession = AuthService.method.revokeSession;
const changePassword = AuthService.method.changePassword;
const createConversation = ConversationService.method.createConversation;
const listConversations = ConversationService.method.listConversations;
const send = MessageService.method.sendMessage;
const subscribe = DeliveryService.method.subscribe;
const getProfile = ProfileService.method.getProfile;
const searchProfiles = ProfileService.method.searchProfiles;

export const reasonCases: ReasonCase[] = [
  {
    code: 'ALREADY_EXISTS',
    reason: 'USERNAME_TAKEN',
    when: 'somebody has the name',
    ask: ({ owner }) => ({
      method: register,
      request: create(register.input, { username: owner.username, password: newPassword() }),
    }),
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'PASSWORD_TOO_COMMON',
    when: 'everybody would try it',
    ask: () => ({
      method: register,
      request: create(register.input, { username: newUsername(), password: 'passwordpassword' }),
    }),
    also: { fields: ['password'] },
  },
  {
    code: 'UNAUTHENTICATED',
    reason: 'REFRESH_TOKEN_INVALID',
    when: 'it was made up',
    ask: () => ({
      method: refresh,
      request: create(refresh.input, { refreshToken: randomBytes(32).toString('base64url') }),
    }),
  },
  {
    code: 'NOT_FOUND',
    reason: 'SESSION_NOT_FOUND',
    when: 'nobody has it',
    ask: ({ owner }) => ({
      method: revokeSession,
      request: create(revokeSession.input, { sessionId: randomUUID() }),
      token: owner.accessToken,
    }),
  },
  {
    code: 'UNAUTHENTICATED',
    reason: 'BAD_CREDENTIALS',
    when: 'another password is said to be in force',
    ask: ({ owner }) => ({
      method: changePassword,
      request: create(changePassword.input, { currentPassword: newPassword(), newPassword: newPassword() }),
      token: owner.accessToken,
    }),
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'PASSWORD_TOO_COMMON',
    when: 'everybody would try the new one',
    ask: ({ owner }) => ({
      method: changePassword,
      request: create(changePassword.input, { currentPassword: newPassword(), newPassword: 'passwordpassword' }),
      token: owner.accessToken,
    }),
    also: { fields: ['new_password'] },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CONVERSATION_WITH_SELF',
    when: 'one talks to oneself',
    ask: ({ owner }) => ({
      method: createConversation,
      request: create(createConversation.input, {
        conversation: { case: 'direct', value: { userId: owner.userId } },
      }),
      token: owner.accessToken,
    }),
    also: { fields: ['direct.user_id'] },
  },
  {
    code: 'NOT_FOUND',
    reason: 'USER_NOT_FOUND',
    when: 'nobody has the id',
    ask: ({ owner }) => ({
      method: createConversation,
      request: create(createConversation.input, { conversation: { case: 'direct', value: { userId: randomUUID() } } }),
      token: owner.accessToken,
    }),
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'REQUEST_ID_REUSED',
    when: 'it made another group before',
    ask: async ({ owner }) => {
      const request = (title: string) => ({
        conversation: { case: 'group' as const, value: { title, memberIds: [] } },
        requestId,
      });
      const requestId = randomUUID();
      await owner.caller.unary(createConversation, request('first'), { token: owner.accessToken });
      return {
        method: createConversation,
        request: create(createConversation.input, request('second')),
        token: owner.accessToken,
      };
    },
    also: { fields: ['request_id'] },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CLIENT_MESSAGE_ID_REUSED',
    when: 'it sent another text before',
    ask: async ({ owner, conversationId }) => {
      const clientMessageId = randomUUID();
      await owner.send(conversationId, 'first', clientMessageId);
      const content = { case: 'text' as const, value: 'second' };
      return {
        method: send,
        request: create(send.input, { conversationId, clientMessageId, content }),
        token: owner.accessToken,
      };
    },
    also: { fields: ['client_message_id'] },
  },
  {
    code: 'PERMISSION_DENIED',
    reason: 'ROLE_REQUIRED',
    when: 'a member gives the group another title',
    ask: (scene) => inGroup(scene, 'peer', ConversationService.method.updateConversation, { title: 'mine' }),
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'USE_LEAVE',
    when: 'the owner removes themselves',
    ask: (scene) => {
      const { userId } = scene.owner;
      return inGroup(scene, 'owner', ConversationService.method.removeMember, { userId });
    },
    also: { fields: ['user_id'] },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'OWNER_REQUIRED',
    when: 'the owner wants to be a member',
    ask: (scene) => {
      const wish = { userId: scene.owner.userId, role: MemberRole.MEMBER };
      return inGroup(scene, 'owner', ConversationService.method.updateMemberRole, wish);
    },
    also: { fields: ['role'] },
  },
  {
    code: 'NOT_FOUND',
    reason: 'MEMBER_NOT_FOUND',
    when: 'an admin is made of nobody',
    ask: (scene) => {
      const wish = { userId: randomUUID(), role: MemberRole.ADMIN };
      return inGroup(scene, 'owner', ConversationService.method.updateMemberRole, wish);
    },
  },
  {
    code: 'NOT_FOUND',
    reason: 'USER_NOT_FOUND',
    when: 'nobody is added',
    ask: (scene) => inGroup(scene, 'owner', ConversationService.method.addMembers, { userIds: [randomUUID()] }),
  },
  {
    code: 'NOT_FOUND',
    reason: 'MESSAGE_NOT_FOUND',
    when: 'nobody has sent it',
    ask: (scene) => inGroup(scene, 'peer', MessageService.method.getMessage, { messageId: randomUUID() }),
  },
  ...[MessageService.method.markRead, MessageService.method.markDelivered].map(
    (method): ReasonCase => ({
      code: 'INVALID_ARGUMENT',
      reason: 'NUMBER_BEYOND_LAST',
      when: `${method.name} names a message to come`,
      ask: (scene) => inGroup(scene, 'peer', method, { number: 1n }),
      also: { fields: ['number'] },
    }),
  ),
  ...['not a token', "' or 1=1 --", Buffer.alloc(16, 7).toString('base64')].map(
    (pageToken): ReasonCase => ({
      code: 'INVALID_ARGUMENT',
      reason: 'PAGE_TOKEN_INVALID',
      when: `it is ${pageToken}`,
      ask: ({ owner }) => ({
        method: listConversations,
        request: create(listConversations.input, { pageToken }),
        token: owner.accessToken,
      }),
      also: { fields: ['page_token'] },
    }),
  ),
  {
    code: 'INVALID_ARGUMENT',
    reason: 'PAGE_TOKEN_INVALID',
    when: 'it is of no search',
    ask: ({ owner }) => ({
      method: searchProfiles,
      request: create(searchProfiles.input, { query: 'a', pageToken: "' or 1=1 --" }),
      token: owner.accessToken,
    }),
    also: { fields: ['page_token'] },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CURSOR_INVALID',
    when: 'it was made up',
    ask: ({ owner }) => ({
      method: subscribe,
      request: create(subscribe.input, { cursor: randomBytes(64) }),
      token: owner.accessToken,
    }),
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CURSOR_INVALID',
    when: 'a bit of it is another',
    ask: async ({ owner }) => {
      const cursor = await cursorOf(owner);
      cursor[cursor.length >> 1] = (cursor[cursor.length >> 1] ?? 0) ^ 1;
      return { method: subscribe, request: create(subscribe.input, { cursor }), token: owner.accessToken };
    },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CURSOR_INVALID',
    when: 'it is another user’s',
    ask: async ({ owner, peer }) => {
      const request = create(subscribe.input, { cursor: await cursorOf(peer) });
      return { method: subscribe, request, token: owner.accessToken };
    },
  },
  {
    code: 'INVALID_ARGUMENT',
    reason: 'CURSOR_INVALID',
    when: 'another user’s is acknowledged',
    ask: async ({ owner, peer }) => {
      const method = DeliveryService.method.acknowledgeCursor;
      return { method, request: create(method.input, { cursor: await cursorOf(peer) }), token: owner.accessToken };
    },
  },
  {
    code: 'NOT_FOUND',
    reason: 'PROFILE_NOT_FOUND',
    when: 'nobody has the id',
    ask: ({ owner }) => ({
      method: getProfile,
      request: create(getProfile.input, { key: { case: 'userId', value: randomUUID() } }),
      token: owner.accessToken,
    }),
  },
  {
    code: 'NOT_FOUND',
    reason: 'PROFILE_NOT_FOUND',
    when: 'nobody has the name',
    ask: ({ owner }) => ({
      method: getProfile,
      request: create(getProfile.input, { key: { case: 'username', value: "x' or 'a'='a" } }),
      token: owner.accessToken,
    }),
  },
];

/** A call of one of the two about a new group of theirs. */
async function inGroup(
  { owner, peer }: Scene,
  as: 'owner' | 'peer',
  method: DescMethod,
  request: Record<string, unknown>,
): Promise<Ask> {
  const conversationId = await owner.createConversation({ title: 'A group', members: [peer.userId] });
  const token = (as === 'owner' ? owner : peer).accessToken;
  return { method, request: create(method.input, { ...request, conversationId }), token };
}

async function cursorOf(user: User): Promise<Uint8Array> {
  const subscription = await user.subscribe();
  await subscription.stop();
  return Uint8Array.from(subscription.cursor);
}
