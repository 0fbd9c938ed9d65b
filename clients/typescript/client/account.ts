import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { newId } from '../account/new-id.ts';
import type { SavedSession } from '../account/saved-session.ts';
import { refreshTime, Session, type Tokens } from '../account/session.ts';
import type { WebSocketConstructor } from '../socket.ts';
import { createWebSocketTransport } from '../web-socket-transport.ts';
import type { KeptState } from './kept-state.ts';
import { UNARY_TIMEOUT_MS, withUnaryTimeout } from './unary-timeout.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What an account needs from outside. */
export interface AccountPorts {
  readonly url: URL;
  readonly webSocket: WebSocketConstructor | undefined;
  /** How unary calls travel. Not set: over a WebSocket. */
  readonly unary: UnaryTransport | undefined;
  readonly kept: KeptState;
  /** The access token is another one from now on. */
  renewed(accessToken: string): void;
  /** The server has ended the session; `reason` says why, as a sentence. */
  ended(reason: string): void;
}

/** Makes a transport for unary calls with these interceptors, the first of them outermost. */
export type UnaryTransport = (interceptors: Interceptor[]) => Transport;

type Auth = Client<typeof AuthService>;

// Shorter than the ten seconds in which a spent refresh token still gives its successor.
const REFRESH_TIMEOUT_MS = 2_500;
const TOKEN_LEFT_MS = 60_000;

/** Opens a session, keeps it, and closes it. */
export class Account {
  readonly #ports: AccountPorts;
  #session: Session | undefined;
  #streamToken = '';

  constructor(ports: AccountPorts) {
    this.#ports = ports;
  }

  /** @throws ConnectError with Code.Unauthenticated when nobody is logged in. */
  get session(): Session {
    if (!this.#session) throw new ConnectError('nobody is logged in', Code.Unauthenticated);
    return this.#session;
  }

  async register({ username, password }: Credentials, deviceId: string): Promise<void> {
    await this.#take(username, await this.#auth((auth) => auth.register({ username, password, deviceId })));
  }

  async login({ username, password }: Credentials, deviceId: string): Promise<void> {
    await this.#take(username, await this.#auth((auth) => auth.login({ username, password, deviceId })));
  }

  /** Goes on with the session that is kept. False when there is none. */
  async resume(): Promise<boolean> {
    const saved = await this.#ports.kept.session();
    if (saved) this.#begin(saved);
    return saved !== undefined;
  }

  /** Ends the session here at once, and at the server if it can be reached. */
  async logout(): Promise<void> {
    const { refreshToken } = this.session;
    this.close();
    await this.#ports.kept.keepSession(undefined);
    await this.#auth((auth) => auth.logout({ refreshToken }));
  }

  /** Time may have passed unnoticed: renews what is due. */
  woken(): void {
    this.#session?.woken();
  }

  /** Renews no more, and lets the session be resumed later. */
  close(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  /** A unary call whose token was refused is made once more with another one. */
  readonly renewing: Interceptor = (next) => async (request) => {
    const token = await this.session.token();
    if (request.stream) {
      this.#streamToken = token;
      return await next(request);
    }
    try {
      return await next(request);
    } catch (thrown) {
      if (ConnectError.from(thrown).code !== Code.Unauthenticated) throw thrown;
      await this.session.renew(token);
      return await next(request);
    }
  };

  /** As `renewing`, for a transport that carries the token with each call. */
  readonly authorizing: Interceptor = (next) => async (request) => {
    const call = async () => {
      request.header.set('authorization', `Bearer ${await this.session.token()}`);
      return next(request);
    };
    const token = await this.session.token();
    try {
      return await call();
    } catch (thrown) {
      if (ConnectError.from(thrown).code !== Code.Unauthenticated) throw thrown;
      await this.session.renew(token);
      return await call();
    }
  };

  /** The newest stream was refused, or has ended with its token: gets another token, unless that is there already. */
  async renewForStream(): Promise<void> {
    await this.session.renew(this.#streamToken);
  }

  async #take(username: string, tokens: Tokens): Promise<void> {
    const { userId, accessToken, refreshToken } = tokens;
    const refreshAt = refreshTime(tokens, Date.now());
    const saved: SavedSession = { loginId: newId(), userId, username, accessToken, refreshToken, refreshAt };
    await this.#ports.kept.keepSession(saved);
    this.#begin(saved);
  }

  #begin(saved: SavedSession): void {
    this.close();
    this.#session = new Session(saved, {
      refresh: (refreshToken) => this.#refresh(refreshToken, saved.loginId),
      save: (session) => void this.#ports.kept.keepSession(session),
      renewed: (token) => this.#ports.renewed(token),
      ended: (reason) => {
        void this.#ports.kept.keepSession(undefined);
        this.#ports.ended(reason);
      },
      now: Date.now,
    });
  }

  /** Another process of this device may have traded the token already: then its successor is in the store. */
  async #refresh(refreshToken: string, loginId: string): Promise<Tokens> {
    const kept = await this.#ports.kept.session();
    const successor = kept?.loginId === loginId && kept.refreshToken !== refreshToken ? kept : undefined;
    if (successor && successor.refreshAt > Date.now()) {
      const endsAt = successor.refreshAt + TOKEN_LEFT_MS;
      return { ...successor, accessTokenExpireTime: timestampFromMs(endsAt) };
    }
    const newest = successor?.refreshToken ?? refreshToken;
    return this.#auth((auth) => auth.refreshSession({ refreshToken: newest }, { timeoutMs: REFRESH_TIMEOUT_MS }));
  }

  /** Without a token, and not over the socket that is open: it may be closed for want of a good one. */
  async #auth<T>(call: (auth: Auth) => Promise<T>): Promise<T> {
    const { url, webSocket, unary } = this.#ports;
    if (unary) return call(createClient(AuthService, withUnaryTimeout(unary([]))));
    const transport = createWebSocketTransport({ url, webSocket, token: () => '', defaultTimeoutMs: UNARY_TIMEOUT_MS });
    try {
      return await call(createClient(AuthService, transport));
    } finally {
      transport.close();
    }
  }
}
