import { type AfterClose, afterClose, type Channel, closeCodes, SUBPROTOCOL } from '@realchat/framing';

/** The `WebSocket` of browsers and of Node 22 and newer, or one like it. */
export type WebSocketConstructor = new (url: string | URL, protocols: string[]) => WebSocket;

/** How a socket ended. */
export interface SessionClosed {
  /** The close code; 1006 when the connection was lost without one. `closeCodes` has their names. */
  readonly code: number;
  readonly reason: string;
  /** What to do next. */
  readonly after: AfterClose;
}

export interface SocketListener {
  open(): void;
  received(bytes: Uint8Array): void;
  /** The socket takes more, after `write` returned false. */
  writable(): void;
  /** Exactly once. */
  closed(event: SessionClosed): void;
}

const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 256 * 1024;
const POLL_MS = 20;
const OPEN = 1;

/** A WebSocket as the framing's channel. */
export class Socket implements Channel {
  readonly #socket: WebSocket;
  readonly #listener: SocketListener;
  #poll: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(WebSocketClass: WebSocketConstructor, url: string | URL, listener: SocketListener) {
    this.#listener = listener;
    this.#socket = new WebSocketClass(url, [SUBPROTOCOL]);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onopen = () => listener.open();
    this.#socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) listener.received(new Uint8Array(data));
      else this.close(closeCodes.protocolError.code, 'not binary');
    };
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    // What went wrong is in the close event that follows; without a listener some implementations throw.
    this.#socket.onerror = () => {};
  }

  write(frames: Uint8Array): boolean {
    // One that is closing already says so soon, and browsers complain about what is sent meanwhile.
    if (this.#closed || this.#socket.readyState > OPEN) return false;
    this.#socket.send(frames as Uint8Array<ArrayBuffer>);
    if (this.#socket.bufferedAmount < HIGH_WATER) return true;
    this.#waitForRoom();
    return false;
  }

  /** Closes; the listener hears of it at once, since a dead peer would never answer. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#ended(code, reason);
  }

  /** Gives up a peer that does not answer: it counts as lost, whatever it may still say. */
  abandon(reason: string): void {
    this.#socket.close();
    this.#ended(closeCodes.abnormal.code, reason);
  }

  #ended(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#poll);
    this.#socket.onmessage = null;
    this.#listener.closed({ code, reason, after: afterClose(code) });
  }

  /** There is no event for this in browsers. */
  #waitForRoom(): void {
    this.#poll = setTimeout(() => {
      if (this.#socket.bufferedAmount > LOW_WATER) this.#waitForRoom();
      else this.#listener.writable();
    }, POLL_MS);
  }
}
