export { type AfterClose, afterClose, closeCodes } from '@realchat/framing';
export { newId } from './account/new-id.ts';
export type { SavedSession } from './account/saved-session.ts';
export { refreshTime, Session, type Tokens } from './account/session.ts';
export { ConversationSync } from './chat/conversation-sync.ts';
export { Directory } from './chat/directory.ts';
export { Histories, type History } from './chat/histories.ts';
export { SendLanes } from './chat/send-lanes.ts';
export { type Continuity, type Link, Subscription } from './chat/subscription.ts';
export type { Credentials } from './client/account.ts';
export { type ChatStore, memoryStore, webStore } from './client/chat-store.ts';
export { backoffMs } from './net/backoff.ts';
export { type Failure, failureOf } from './net/failure.ts';
export { Pause } from './net/pause.ts';
export { retrying } from './net/retrying.ts';
export { createRealChat, type RealChat, type RealChatEvents, type RealChatOptions, type Status } from './real-chat.ts';
export type { SessionClosed, WebSocketConstructor } from './socket.ts';
export { Conversations, type Entry, unseen } from './store/conversations.ts';
export { Outbox, type Pending } from './store/outbox.ts';
export {
  createWebSocketTransport,
  type WebSocketTransport,
  type WebSocketTransportOptions,
} from './web-socket-transport.ts';
