import { Code, ConnectError } from '@connectrpc/connect';
import { closeCodes, defaultLiveness } from '@realchat/framing';
import { statusOfClose, toConnectError } from './errors.ts';
import { Session } from './session.ts';
import type { SessionClosed, WebSocketConstructor } from './socket.ts';
import { TokenKeeper } from './token-keeper.ts';

export interface ConnectionOptions {
  /** Where the gateway's WebSocket is, as in `wss://chat.example.com/ws`. */
  readonly url: string | URL;
  /**
   * The access token, asked for with every new socket and again before a token's life ends. Return a fresh one if you can.
   * An empty one opens a session that can call AuthService only.
   */
  readonly token: () => string | Promise<string>;
  /** Default: the global WebSocket. */
  readonly webSocket?: WebSocketConstructor | undefined;
  /** How long connecting may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** When to look whether a silent server lives. Default: asked after 25 s, lost after another 10 s. */
  readonly liveness?: { readonly intervalMs: number; readonly timeoutMs: number } | undefined;
  /** A socket has closed. The next call opens another one; when to make it is up to you: see `after`. */
  readonly onClosed?: ((event: SessionClosed) => void) | undefined;
  /** The server is about to go. Open calls go on for a while; new ones wait for so long and use another socket. */
  readonly onDraining?: ((reconnectAfterMs: number) => void) | undefined;
}

/** The socket that calls use: opened for the first call, and again for the first call after it was lost. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #sessions = new Map<Session, TokenKeeper>();
  #current: Promise<Session> | undefined;
  #reconnectAt = 0;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The open session, or a new one. Rejects with a ConnectError when there can be none. */
  session(): Promise<Session> {
    if (this.#closed) return Promise.reject(new ConnectError('the transport was closed', Code.Canceled));
    if (this.#current === undefined) {
      const opening = this.#open(() => {
        if (this.#current === opening) this.#current = undefined;
      });
      this.#current = opening;
    }
    return this.#current;
  }

  /** Hands a newer token to every open session. Without one nothing is to be done: the next asks for it. */
  async refresh(token: string): Promise<void> {
    const refreshing = [...this.#sessions].map(([session, keeper]) => {
      keeper.replaced(token);
      return session.refresh(token);
    });
    await Promise.all(refreshing);
  }

  /** Looks at once whether the open sockets live: one whose server does not answer in time is given up. */
  probe(timeoutMs: number): void {
    for (const session of this.#sessions.keys()) session.probe(timeoutMs);
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions.keys()) session.close(closeCodes.normal.code, '');
  }

  async #open(forget: () => void): Promise<Session> {
    try {
      await delay(this.#reconnectAt - performance.now());
      return await this.#connect(await this.#options.token(), forget);
    } catch (error) {
      forget();
      throw ConnectError.from(error, Code.Unavailable);
    }
  }

  #connect(token: string, forget: () => void): Promise<Session> {
    const { promise, resolve, reject } = Promise.withResolvers<Session>();
    const session = new Session({
      url: this.#options.url,
      webSocket: this.#options.webSocket ?? WebSocket,
      token,
      connectTimeoutMs: this.#options.connectTimeoutMs ?? 10_000,
      liveness: this.#options.liveness ?? defaultLiveness,
      welcomed: () => resolve(session),
      tokenLifetime: (milliseconds) => this.#sessions.get(session)?.lives(milliseconds),
      draining: (reconnectAfterMs) => {
        this.#reconnectAt = performance.now() + reconnectAfterMs;
        forget();
        this.#options.onDraining?.(reconnectAfterMs);
      },
      closed: (event) => {
        this.#sessions.get(session)?.stop();
        this.#sessions.delete(session);
        forget();
        reject(toConnectError(statusOfClose(event.code)));
        this.#options.onClosed?.(event);
      },
    });
    const keeper = new TokenKeeper(token, {
      token: this.#options.token,
      refresh: (newer) => session.refresh(newer),
    });
    this.#sessions.set(session, keeper);
    if (this.#closed) session.close(closeCodes.normal.code, '');
    return promise;
  }
}

function delay(milliseconds: number): Promise<void> {
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
