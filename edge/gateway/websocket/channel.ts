import type { Channel } from '@realchat/framing';
import type { WebSocket } from 'ws';

/** With so many bytes waiting, the socket has enough. */
const HIGH_WATER = 128 * 1024;
/** With so few, it takes more. */
const LOW_WATER = 32 * 1024;
/** More than this never waits, whatever happens: `ws` itself has no bound. */
const MOST_WAITING = 1024 * 1024;

export interface WebSocketChannelOptions {
  readonly stalledMs: number;
  readonly written: (bytes: number) => void;
  readonly writable: () => void;
  /** The client does not read. */
  readonly tooSlow: () => void;
}

/** A server's WebSocket as the framing's channel: it says when it has enough, and when its client does not read at all. */
export class WebSocketChannel implements Channel {
  readonly #socket: WebSocket;
  readonly #options: WebSocketChannelOptions;
  #stalled: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, options: WebSocketChannelOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  write(frames: Uint8Array): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(frames, this.#flushed);
    this.#options.written(frames.length);
    const waiting = this.#socket.bufferedAmount;
    if (waiting < HIGH_WATER) return true;
    if (waiting > MOST_WAITING) queueMicrotask(this.#options.tooSlow);
    else this.#stalled ??= setTimeout(this.#options.tooSlow, this.#options.stalledMs);
    return false;
  }

  close(): void {
    clearTimeout(this.#stalled);
  }

  readonly #flushed = (): void => {
    if (this.#stalled === undefined || this.#socket.bufferedAmount > LOW_WATER) return;
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#options.writable();
  };
}
