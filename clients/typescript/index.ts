export { type AfterClose, afterClose, closeCodes } from '@realchat/framing';
export { newId } from './account/new-id.ts';
export { indexedDbStore } from './browser/indexed-db-store.ts';
export { type Owner, ownAlone } from './browser/own-alone.ts';
export { UnknownUserError } from './chat/conversation-maker.ts';
export type { History } from './chat/histories.ts';
export type { Receipts } from './chat/members.ts';
export type { Credentials, UnaryTransport } from './client/account.ts';
export { type ChatStore, memoryStore, webStore } from './client/chat-store.ts';
export type { RealChatEvents, SendAttempt, Status } from './client/events.ts';
export type { RealChatOptions } from './client/options.ts';
export { type Failure, failureOf } from './net/failure.ts';
export { createRealChat, type RealChat } from './real-chat.ts';
export type { SessionClosed, WebSocketConstructor } from './socket.ts';
export { type Entry, lastNumberOf, unreadCount } from './store/conversations.ts';
export type { Pending } from './store/outbox.ts';
export {
  createWebSocketTransport,
  type WebSocketTransport,
  type WebSocketTransportOptions,
} from './web-socket-transport.ts';
