import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { createRealChat, failureOf, indexedDbStore, type Owner, ownAlone, type RealChat } from '@realchat/client';
import { Chat } from './chat/chat.ts';
import { FormProblem } from './chat/form-problem.ts';
import { accountOfWindow, forgetAccount, forgetAccountOfWindow, setAccountOfWindow } from './session/window-account.ts';
import { ChatView } from './ui/chat-view.ts';
import { type Credentials, SignInView } from './ui/sign-in-view.ts';

const FIELDS = { username: 'username', password: 'password' };

/** A user's login and all that lives as long as it. */
interface LoggedIn {
  readonly client: RealChat;
  readonly owner: Owner;
  readonly chat: Chat;
  readonly view: ChatView;
}

/** The page: somebody logs in, talks, and logs out. */
export class App {
  readonly #origin: string;
  readonly #signIn: SignInView;
  #loggedIn: LoggedIn | undefined;

  /** @param origin where the mesh is, as in `https://chat.example.com`. */
  constructor(origin: string) {
    this.#origin = origin;
    this.#signIn = new SignInView({
      logIn: (credentials) => this.#enter('login', credentials),
      register: (credentials) => this.#enter('register', credentials),
      useHere: (username) => this.#resume(username, true),
    });
  }

  /** Goes on with the login that this window has, or asks for one. */
  async start(): Promise<void> {
    addEventListener('hashchange', () => this.#loggedIn?.chat.show(conversationInAddress()));
    const looked = () => this.#loggedIn?.chat.looked();
    for (const name of ['online', 'offline']) addEventListener(name, looked);
    document.addEventListener('visibilitychange', looked);
    const username = accountOfWindow();
    if (username === undefined) this.#signIn.show();
    else await this.#resume(username, false);
  }

  /** @param takeOver another window that has the account must let it go. */
  async #resume(username: string, takeOver: boolean): Promise<void> {
    const owner = await this.#own(username, takeOver);
    if (!owner) return this.#signIn.show({ elsewhere: username });
    const client = this.#client(username);
    if (await client.resume()) return this.#begin(client, owner);
    await client.close();
    owner.release();
    this.#signIn.show();
  }

  async #enter(how: 'login' | 'register', credentials: Credentials): Promise<void> {
    const { username } = credentials;
    const owner = await this.#own(username, false);
    if (!owner) {
      this.#signIn.show({ elsewhere: username });
      throw new FormProblem('This account is open in another window of this browser.');
    }
    const client = this.#client(username);
    try {
      await client[how](credentials);
    } catch (thrown) {
      await client.close();
      owner.release();
      const { passing, sentence } = failureOf(thrown);
      if (how === 'login' || !passing) throw FormProblem.of(thrown, FIELDS);
      throw new FormProblem(`${sentence} The account may have been made nevertheless: try to log in.`);
    }
    this.#begin(client, owner);
  }

  #own(username: string, takeOver: boolean): Promise<Owner | undefined> {
    const beforeLetGo = async () => await this.#loggedIn?.client.close();
    return ownAlone(`realchat.account.${username}`, { takeOver, beforeLetGo });
  }

  #client(username: string): RealChat {
    return createRealChat({
      url: this.#origin,
      store: indexedDbStore(username),
      keepHistory: true,
      unary: (interceptors) => createGrpcWebTransport({ baseUrl: this.#origin, interceptors }),
    });
  }

  #begin(client: RealChat, owner: Owner): void {
    const { username } = client;
    const chat = new Chat(client, {
      isVisible: () => document.visibilityState === 'visible',
      changed: () => this.#loggedIn?.view.renderSoon(),
    });
    const view = new ChatView(chat, {
      open: (conversationId) => {
        goTo(conversationId);
        chat.show(conversationId);
      },
      logOut: () => void this.#logOut(),
    });
    this.#loggedIn = { client, owner, chat, view };
    setAccountOfWindow(username);
    this.#signIn.hide();
    client.on('status', ({ state, reason }) => {
      if (state === 'ended') this.#ended(reason ?? '');
    });
    owner.lost.addEventListener('abort', () => this.#lost());
    void client.start();
    chat.show(conversationInAddress());
  }

  async #logOut(): Promise<void> {
    const { client } = this.#loggedIn ?? {};
    if (!client) return;
    const unsent = client.pending.length;
    if (unsent > 0 && !confirm(`${unsent} of your messages are not sent. Log out and give them up?`)) return;
    this.#loggedIn?.view.close();
    try {
      await client.logout();
    } catch (thrown) {
      console.warn('the server did not hear of the logout', thrown);
    }
  }

  /** The login is over, for good. */
  #ended(reason: string): void {
    const { client, owner } = this.#leave() ?? {};
    if (!client) return;
    forgetAccount(client.username);
    this.#signIn.show({ note: reason });
    owner?.release();
  }

  /** Another window goes on with the login. */
  #lost(): void {
    const { client } = this.#leave() ?? {};
    if (!client) return;
    void client.close();
    forgetAccountOfWindow();
    this.#signIn.show({ note: 'RealChat goes on in another window.', elsewhere: client.username });
  }

  #leave(): LoggedIn | undefined {
    const ended = this.#loggedIn;
    this.#loggedIn = undefined;
    ended?.view.close();
    history.replaceState(null, '', location.pathname);
    return ended;
  }
}

/** The address of a conversation is the page's with its id behind `#`, so that a reload and the way back work. */
function conversationInAddress(): string | undefined {
  return location.hash.slice(1) || undefined;
}

function goTo(conversationId: string | undefined): void {
  location.hash = conversationId ?? '';
}
