export { type AfterClose, afterClose, closeCodes } from '@realchat/framing';
export type { SessionClosed, WebSocketConstructor } from './socket.ts';
export {
  createWebSocketTransport,
  type WebSocketTransport,
  type WebSocketTransportOptions,
} from './web-socket-transport.ts';
