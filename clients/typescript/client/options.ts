import type { WebSocketConstructor } from '../socket.ts';
import type { UnaryTransport } from './account.ts';
import type { ChatStore } from './chat-store.ts';

export interface RealChatOptions {
  /** Where the edge is, as in `https://chat.example.com`; with a path, where its WebSocket is. */
  readonly url: string | URL;
  /** Keeps session, cursor and unsent messages over restarts. Default: nothing is kept over a restart. */
  readonly store?: ChatStore | undefined;
  /**
   * Keeps in the store, too, the conversations and the newest messages of the last 20 that were opened, so that a page shows
   * them at once after a reload. Default: false.
   */
  readonly keepHistory?: boolean | undefined;
  /** Tells the senders what has arrived on this device (`MarkDelivered`, gathered for half a second). Default: true. */
  readonly markDelivered?: boolean | undefined;
  /** The id of this device, 1 to 64 of A-Z, a-z, 0-9, `_`, `.` and `-`. Default: made once and kept in the store. */
  readonly deviceId?: string | undefined;
  /** How unary calls travel, as by gRPC-Web; streams take the WebSocket. Default: they all take the WebSocket. */
  readonly unary?: UnaryTransport | undefined;
  /** Default: the global WebSocket. */
  readonly webSocket?: WebSocketConstructor | undefined;
  /** How long a gap in a held conversation may stay open before it is read, in milliseconds. Default: 400. */
  readonly gapGraceMs?: number | undefined;
  /** The store has failed, and the client goes on without it. Default: a line on the console. */
  readonly storeFailed?: ((error: unknown) => void) | undefined;
}
