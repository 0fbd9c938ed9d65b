import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pair } from '../load/step.ts';

interface Account {
  id: string;
  accessToken: string;
  refreshToken: string;
  /** When the access token was given. */
  since: number;
}

interface Session {
  userId: string;
  accessToken: string;
  refreshToken: string;
}

/** Access tokens live five minutes, a run less than two. */
const RENEW_AFTER_MS = 120_000;
const AT_ONCE = 8;
/** Too many requests, and a dependency that is away. */
const FOR_NOW = [429, 503];
const RETRY_MS = 1_000;
const MOST_ATTEMPTS = 20;

/** The load's users, registered through the edge as anybody is, in pairs with a direct conversation each. */
export class Accounts {
  readonly #edge: string;
  readonly #pairs: { conversation: string; accounts: [Account, Account] }[] = [];

  /** `edge` is the address of the plain listener. */
  constructor(edge: string) {
    this.#edge = edge;
  }

  async register(pairs: number): Promise<void> {
    await inGroups(Array.from({ length: pairs }), async () => {
      const [ada, ben] = [await this.#register(), await this.#register()];
      const request = { requestId: randomUUID(), direct: { userId: ben.id } };
      const method = 'realchat.messaging.v1.ConversationService/CreateConversation';
      const { conversation } = await this.#call<{ conversation: { conversationId: string } }>(
        method,
        request,
        ada.accessToken,
      );
      this.#pairs.push({ conversation: conversation.conversationId, accounts: [ada, ben] });
    });
  }

  /** The pairs, with tokens that live for some minutes. */
  async pairs(): Promise<Pair[]> {
    const old = this.#pairs
      .flatMap(({ accounts }) => accounts)
      .filter(({ since }) => Date.now() - since > RENEW_AFTER_MS);
    await inGroups(old, (account) => this.#renew(account));
    return this.#pairs.map(({ conversation, accounts }) => {
      const [ada, ben] = accounts.map(({ id, accessToken }) => ({
        id,
        token: accessToken,
        conversations: [conversation],
      }));
      return { conversation, users: [ada, ben] } as Pair;
    });
  }

  async #register(): Promise<Account> {
    const username = `b${randomUUID().replaceAll('-', '').slice(0, 20)}`;
    const credentials = { username, password: `bench ${randomUUID()}` };
    return toAccount(await this.#call<Session>('realchat.auth.v1.AuthService/Register', credentials));
  }

  async #renew(account: Account): Promise<void> {
    const { refreshToken } = account;
    const session = await this.#call<Session>('realchat.auth.v1.AuthService/RefreshSession', { refreshToken });
    Object.assign(account, toAccount(session));
  }

  /** Makes a call again while it is refused for now: what goes on here is not measured. */
  async #call<T>(method: string, body: object, token?: string): Promise<T> {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${this.#edge}/${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (response.ok) return (await response.json()) as T;
      const text = await response.text();
      if (!FOR_NOW.includes(response.status) || attempt === MOST_ATTEMPTS) {
        throw new Error(`${method}: ${response.status} ${text}`);
      }
      await delay(RETRY_MS);
    }
  }
}

function toAccount({ userId, accessToken, refreshToken }: Session): Account {
  return { id: userId, accessToken, refreshToken, since: Date.now() };
}

async function inGroups<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) await Promise.all(items.slice(i, i + AT_ONCE).map(work));
}
