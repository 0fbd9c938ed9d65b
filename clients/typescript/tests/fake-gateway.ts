import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Accept,
  defaultLimits,
  Multiplexer,
  type SessionError,
  type SessionFrame,
  welcomeOf,
} from '@realchat/framing';
import { DrainSchema, RefreshedSchema } from '@realchat/gen/realchat/transport/v1/frames';
import type { WebSocketConstructor } from '../socket.ts';

/** The server's end of one socket. */
export interface Accepted {
  readonly protocols: string[];
  readonly url: string;
  /** The frames of the session that the client has sent. */
  readonly frames: SessionFrame[];
  readonly errors: SessionError[];
  readonly multiplexer: Multiplexer;
  /** How the client closed it. */
  closedByClient: { code: number | undefined } | undefined;
  close(code: number): void;
  drain(reconnectAfterMs: number): void;
  sendText(): void;
}

export interface FakeGateway {
  readonly webSocket: WebSocketConstructor;
  readonly sockets: Accepted[];
  tokenLifetimeMs: number | undefined;
  /** Takes the socket but never answers on it. */
  mute: boolean;
}

/** A gateway without a network: each socket's two ends hand each other what they write, in later turns. */
export function fakeGateway(accept: Accept): FakeGateway {
  const gateway: FakeGateway = {
    sockets: [],
    tokenLifetimeMs: undefined,
    mute: false,
    webSocket: class extends FakeSocket {
      constructor(url: string | URL, protocols: string[]) {
        super();
        gateway.sockets.push(this.connect(String(url), protocols, gateway, accept));
      }
    } as unknown as WebSocketConstructor,
  };
  return gateway;
}

class FakeSocket {
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen = (): void => {};
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror = (): void => {};
  #accepted: Accepted | undefined;
  #closed = false;

  connect(url: string, protocols: string[], gateway: FakeGateway, accept: Accept): Accepted {
    const hear = (data: unknown): void => void setImmediate(() => this.onmessage?.({ data }));
    const accepted: Accepted = {
      protocols,
      url,
      frames: [],
      errors: [],
      closedByClient: undefined,
      multiplexer: new Multiplexer({
        role: 'server',
        channel: {
          write: (bytes) => {
            hear(bytes.slice().buffer);
            return true;
          },
        },
        session: (frame) => {
          accepted.frames.push(frame);
          if (gateway.mute) return;
          if (frame.case === 'hello') {
            accepted.multiplexer.accept = accept;
            accepted.multiplexer.send({ case: 'welcome', value: welcomeOf(defaultLimits, gateway.tokenLifetimeMs) });
          } else if (frame.case === 'refresh') {
            accepted.multiplexer.send({ case: 'refreshed', value: create(RefreshedSchema) });
          }
        },
        failed: (error) => void accepted.errors.push(error),
      }),
      close: (code) => this.#end(code),
      drain: (reconnectAfterMs) => {
        const reconnectAfter = durationFromMs(reconnectAfterMs);
        accepted.multiplexer.send({ case: 'drain', value: create(DrainSchema, { reconnectAfter }) });
      },
      sendText: () => hear('text'),
    };
    this.#accepted = accepted;
    setImmediate(() => this.onopen());
    return accepted;
  }

  send(bytes: Uint8Array): void {
    const { multiplexer } = this.#accepted ?? { multiplexer: undefined };
    const copy = bytes.slice();
    setImmediate(() => multiplexer?.receive(copy));
  }

  close(code?: number): void {
    if (this.#accepted) this.#accepted.closedByClient ??= { code };
    this.#end(code ?? 1005);
  }

  #end(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#accepted?.multiplexer.close();
    setImmediate(() => this.onclose?.({ code, reason: '' }));
  }
}
