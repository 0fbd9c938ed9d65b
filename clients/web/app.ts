import { createClient } from '@connectrpc/connect';
import {
  failureOf,
  newId,
  refreshTime,
  type SavedSession,
  Session,
  type Tokens,
  type WebSocketTransport,
} from '@realchat/client';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { Chat } from './chat/chat.ts';
import { FormProblem } from './chat/form-problem.ts';
import { authService, services, webSocketTransport } from './net/edge.ts';
import {
  deviceId,
  loadCursor,
  loadOutbox,
  loadSession,
  saveCursor,
  saveOutbox,
  saveSession,
} from './session/browser-storage.ts';
import { isOnlyWindowOf } from './session/only-window.ts';
import { ChatView } from './ui/chat-view.ts';
import { type Credentials, SignInView } from './ui/sign-in-view.ts';

const FIELDS = { username: 'username', password: 'password' };
// Shorter than the ten seconds in which a spent refresh token still gives its successor.
const REFRESH_TIMEOUT_MS = 2_500;
const LOGOUT_TIMEOUT_MS = 3_000;

/** A user's login and all that lives as long as it. */
interface LoggedIn {
  readonly session: Session;
  readonly transport: WebSocketTransport;
  readonly chat: Chat;
  readonly view: ChatView;
}

/** The page: somebody logs in, talks, and logs out. */
export class App {
  readonly #origin: string;
  readonly #auth;
  readonly #signIn: SignInView;
  #loggedIn: LoggedIn | undefined;

  /** @param origin where the mesh is, as in `https://chat.example.com`. */
  constructor(origin: string) {
    this.#origin = origin;
    this.#auth = authService(origin);
    this.#signIn = new SignInView({
      logIn: ({ username, password }) =>
        this.#enter(username, () => this.#auth.login({ username, password, deviceId: deviceId() })),
      register: (credentials) => this.#register(credentials),
    });
  }

  /** Goes on with the login that this window has, or asks for one. */
  async start(): Promise<void> {
    addEventListener('hashchange', () => this.#loggedIn?.chat.show(conversationInAddress()));
    const looked = () => this.#loggedIn?.chat.looked();
    addEventListener('online', looked);
    addEventListener('offline', () => this.#loggedIn?.view.renderSoon());
    document.addEventListener('visibilitychange', looked);
    const saved = loadSession();
    if (saved && (await isOnlyWindowOf(saved.loginId))) this.#begin(saved);
    else if (saved) this.#forget('This window is a copy of another one. Each window has a login of its own.');
    else this.#signIn.show();
  }

  async #register({ username, password }: Credentials): Promise<void> {
    await this.#enter(
      username,
      () => this.#auth.register({ username, password, deviceId: deviceId() }),
      (thrown) => {
        if (!failureOf(thrown).passing) return undefined;
        return `${failureOf(thrown).sentence} The account may have been made nevertheless: try to log in.`;
      },
    );
  }

  async #enter(username: string, call: () => Promise<Tokens>, sentence?: (thrown: unknown) => string | undefined) {
    let tokens: Tokens;
    try {
      tokens = await call();
    } catch (thrown) {
      const special = sentence?.(thrown);
      throw special ? new FormProblem(special) : FormProblem.of(thrown, FIELDS);
    }
    const { userId, accessToken, refreshToken } = tokens;
    const refreshAt = refreshTime(tokens, Date.now());
    const saved = { loginId: newId(), userId, username, accessToken, refreshToken, refreshAt };
    saveSession(saved);
    void isOnlyWindowOf(saved.loginId);
    this.#begin(saved);
  }

  #begin(saved: SavedSession): void {
    const { userId, username } = saved;
    const session = new Session(saved, {
      refresh: (refreshToken) => this.#auth.refreshSession({ refreshToken }, { timeoutMs: REFRESH_TIMEOUT_MS }),
      save: saveSession,
      // A socket that cannot take it closes, and the next one begins with the new token.
      renewed: (token) => void transport.refresh(token).catch(() => {}),
      ended: (why) => this.#end(why),
      now: Date.now,
    });
    const transport = webSocketTransport(this.#origin, session);
    const chat = new Chat({
      userId,
      username,
      services: services(this.#origin, session),
      delivery: createClient(DeliveryService, transport),
      renewToken: async () => session.renew(await session.token()),
      kept: { cursor: loadCursor(userId), pending: loadOutbox(userId) },
      keepCursor: (cursor) => saveCursor(userId, cursor),
      keepPending: (pending) => saveOutbox(userId, pending),
      isVisible: () => document.visibilityState === 'visible',
      changed: () => this.#loggedIn?.view.renderSoon(),
    });
    const view = new ChatView(chat, username, {
      open: (conversationId) => {
        goTo(conversationId);
        chat.show(conversationId);
      },
      logOut: () => void this.#logOut(),
    });
    this.#loggedIn = { session, transport, chat, view };
    this.#signIn.hide();
    chat.start();
    chat.show(conversationInAddress());
  }

  async #logOut(): Promise<void> {
    if (!this.#loggedIn) return;
    const { session, chat } = this.#loggedIn;
    const unsent = chat.outbox.all().length;
    if (unsent > 0 && !confirm(`${unsent} of your messages are not sent. Log out and give them up?`)) return;
    const { userId, refreshToken } = session;
    this.#end('');
    saveOutbox(userId, []);
    try {
      await this.#auth.logout({ refreshToken }, { timeoutMs: LOGOUT_TIMEOUT_MS });
    } catch (thrown) {
      console.warn('the server did not hear of the logout', thrown);
    }
  }

  #end(why: string): void {
    const ended = this.#loggedIn;
    this.#loggedIn = undefined;
    ended?.session.close();
    ended?.chat.stop();
    ended?.transport.close();
    ended?.view.close();
    this.#forget(why);
  }

  #forget(why: string): void {
    saveSession(undefined);
    history.replaceState(null, '', location.pathname);
    this.#signIn.show(why);
  }
}

/** The address of a conversation is the page's with its id behind `#`, so that a reload and the way back work. */
function conversationInAddress(): string | undefined {
  return location.hash.slice(1) || undefined;
}

function goTo(conversationId: string | undefined): void {
  location.hash = conversationId ?? '';
}
