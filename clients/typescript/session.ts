import { create } from '@bufbuild/protobuf';
import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import {
  type CallRequest,
  closeCodes,
  Liveness,
  limitsOf,
  Multiplexer,
  type OutgoingCall,
  type OutgoingCallListener,
  type SessionFrame,
} from '@realchat/framing';
import { HelloSchema, PingSchema, RefreshSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { statusOfClose, toConnectError } from './errors.ts';
import { type SessionClosed, Socket, type WebSocketConstructor } from './socket.ts';

export interface SessionOptions {
  readonly url: string | URL;
  readonly webSocket: WebSocketConstructor;
  /** Empty: only calls that need no token. */
  readonly token: string;
  /** How long connecting may take, up to the server's welcome, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly liveness: { readonly intervalMs: number; readonly timeoutMs: number };
  /** The server has taken the session. */
  readonly welcomed: () => void;
  /** How long the session's token lives from now, in milliseconds. */
  readonly tokenLifetime: (milliseconds: number) => void;
  /** The server takes no more calls; connect again after so many milliseconds. */
  readonly draining: (reconnectAfterMs: number) => void;
  readonly closed: (event: SessionClosed) => void;
}

/** One socket from its hello to its end. */
export class Session {
  readonly #options: SessionOptions;
  readonly #socket: Socket;
  readonly #multiplexer: Multiplexer;
  readonly #connecting: ReturnType<typeof setTimeout>;
  #liveness: Liveness | undefined;
  #refreshing: PromiseWithResolvers<void>[] = [];
  #draining = false;
  /** What the hello says, or has said. */
  #token: string;
  #greeted = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#token = options.token;
    this.#socket = new Socket(options.webSocket, options.url, {
      open: () => this.#hello(),
      received: (bytes) => {
        this.#liveness?.heard();
        this.#multiplexer.receive(bytes);
      },
      writable: () => this.#multiplexer.writable(),
      closed: (event) => this.#closed(event),
    });
    this.#multiplexer = new Multiplexer({
      role: 'client',
      channel: this.#socket,
      session: (frame) => this.#frame(frame),
      failed: ({ message }) => this.#socket.close(closeCodes.protocolError.code, message),
      // The environment reports it, as for any listener that throws.
      applicationFailed: (error) =>
        queueMicrotask(() => {
          throw error;
        }),
    });
    this.#connecting = setTimeout(() => this.#socket.abandon('no welcome in time'), options.connectTimeoutMs);
  }

  /** @throws CallFault when the call cannot be opened. */
  call(request: CallRequest, listener: OutgoingCallListener): OutgoingCall {
    return this.#multiplexer.call(request, {
      headers: (metadata) => listener.headers?.(metadata),
      message: (message) => listener.message(message),
      drained: () => listener.drained?.(),
      end: (status, trailers) => {
        listener.end(status, trailers);
        this.#leaveIfIdle();
      },
    });
  }

  /** Hands the server a newer token of the same user and session. Rejects when the socket closes first. */
  refresh(accessToken: string): Promise<void> {
    if (!this.#greeted) {
      // The socket is not open yet: the hello will carry the newer token.
      this.#token = accessToken;
      return Promise.resolve();
    }
    const refreshing = Promise.withResolvers<void>();
    this.#refreshing.push(refreshing);
    this.#multiplexer.send({ case: 'refresh', value: create(RefreshSchema, { accessToken }) });
    return refreshing.promise;
  }

  /** Looks at once whether the server is still there. */
  probe(timeoutMs: number): void {
    this.#liveness?.probe(timeoutMs);
  }

  close(code: number, reason: string): void {
    this.#multiplexer.flush();
    this.#socket.close(code, reason);
  }

  #hello(): void {
    this.#greeted = true;
    this.#multiplexer.send({ case: 'hello', value: create(HelloSchema, { accessToken: this.#token }) });
    this.#multiplexer.flush();
  }

  #frame(frame: SessionFrame): void {
    if (frame.case === 'welcome') {
      clearTimeout(this.#connecting);
      this.#multiplexer.agree(limitsOf(frame.value));
      this.#liveness = new Liveness({
        ...this.#options.liveness,
        ping: () => this.#multiplexer.send({ case: 'ping', value: create(PingSchema) }),
        dead: () => this.#socket.abandon('no answer to a ping'),
      });
      this.#options.welcomed();
      this.#tokenLives(frame.value.tokenLifetime);
    } else if (frame.case === 'refreshed') {
      this.#refreshing.shift()?.resolve();
      this.#tokenLives(frame.value.tokenLifetime);
    } else if (frame.case === 'drain') {
      this.#draining = true;
      this.#options.draining(frame.value.reconnectAfter ? durationMs(frame.value.reconnectAfter) : 0);
      this.#leaveIfIdle();
    }
  }

  #tokenLives(lifetime: Duration | undefined): void {
    if (lifetime !== undefined) this.#options.tokenLifetime(durationMs(lifetime));
  }

  #leaveIfIdle(): void {
    if (this.#draining && this.#multiplexer.openCalls === 0) this.#socket.close(closeCodes.normal.code, 'drained');
  }

  #closed(event: SessionClosed): void {
    clearTimeout(this.#connecting);
    this.#liveness?.stop();
    const status = statusOfClose(event.code);
    this.#multiplexer.close(status);
    for (const { reject } of this.#refreshing.splice(0)) reject(toConnectError(status));
    this.#options.closed(event);
  }
}
