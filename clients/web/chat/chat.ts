import { type Entry, type History, lastNumberOf, type Pending, type RealChat } from '@realchat/client';
import { ConversationKind } from '@realchat/gen/realchat/messaging/v1/conversation';
import { FormProblem } from './form-problem.ts';

/** What the page knows and the client does not. */
export interface ChatPorts {
  /** Whether the user looks at the page. */
  readonly isVisible: () => boolean;
  /** Something of what is shown has changed. */
  readonly changed: () => void;
}

const MOST_WAITING = 500;
const MOST_SHOWN = 400;
const SHOWN_AFTER_TRIM = 200;
const FIELDS = { title: 'title', member_ids: 'members', user_id: 'username', username: 'username' };

/** What a logged-in user sees of their chat and does with it, without the page's looks. */
export class Chat {
  readonly client: RealChat;
  readonly #ports: ChatPorts;
  #current: string | undefined;
  #readingBack = false;
  #watched = '';

  constructor(client: RealChat, ports: ChatPorts) {
    this.client = client;
    this.#ports = ports;
    client.on('changed', () => {
      this.#trim();
      this.#read();
      this.#watchPresence();
      ports.changed();
    });
  }

  /** The conversation that is shown. */
  get current(): string | undefined {
    return this.#current;
  }

  get entry(): Entry | undefined {
    return this.client.conversation(this.#current ?? '');
  }

  /** Whether it is between two users alone. */
  get isDirect(): boolean {
    return this.entry?.conversation.kind === ConversationKind.DIRECT;
  }

  /** Its messages. */
  get history(): History | undefined {
    return this.#current === undefined ? undefined : this.client.opened(this.#current);
  }

  /** What was written there and is not answered yet. */
  get waiting(): Pending[] {
    return this.client.pending.filter(({ conversationId }) => conversationId === this.#current);
  }

  /** The names of those who type there. */
  get typing(): string[] {
    const users = this.#current === undefined ? [] : this.client.typingIn(this.#current);
    return users.map((userId) => this.client.nameOf(userId)).filter((name) => name !== '');
  }

  /** Whether the user reads further up: then nothing is taken away there, and what is new is not read. */
  set readingBack(readingBack: boolean) {
    this.#readingBack = readingBack;
    this.#read();
  }

  /** Shows a conversation, or none. */
  show(conversationId: string | undefined): void {
    if (conversationId !== this.#current) this.client.stopTyping();
    this.#current = conversationId;
    this.#readingBack = false;
    if (conversationId !== undefined) this.client.open(conversationId);
    this.looked();
  }

  /** The user looks at the page: what is shown is read. */
  looked(): void {
    this.#read();
    this.#watchPresence();
    this.#ports.changed();
  }

  /** The user has changed the text that is being written. */
  typed(text: string): void {
    if (this.#current === undefined) return;
    if (text.trim() === '') this.client.stopTyping();
    else this.client.typed(this.#current);
  }

  /** Sends a text to the conversation that is shown. It is shown at once. @throws FormProblem when too many wait already. */
  send(text: string): void {
    if (this.#current === undefined) return;
    if (this.client.pending.length >= MOST_WAITING) {
      throw new FormProblem('Too many of your messages are not sent yet. Wait until they are.');
    }
    void this.client.send(this.#current, text);
  }

  /** Opens the conversation with a user, and returns its id. @throws FormProblem about `username`. */
  async openDirect(username: string): Promise<string> {
    try {
      return (await this.client.openDirect(username)).conversationId;
    } catch (thrown) {
      throw FormProblem.of(thrown, FIELDS, 'username');
    }
  }

  /** Makes a group, and returns its id. @throws FormProblem about `title` or `members`. */
  async createGroup(title: string, usernames: readonly string[]): Promise<string> {
    try {
      return (await this.client.createGroup(title, usernames)).conversationId;
    } catch (thrown) {
      throw FormProblem.of(thrown, FIELDS, 'members');
    }
  }

  async readOlder(): Promise<void> {
    if (this.#current !== undefined) await this.client.readOlder(this.#current);
  }

  /** Those who are in the conversation that is shown; who is in direct ones is watched anyway. */
  #watchPresence(): void {
    const members = this.#current === undefined ? undefined : this.client.members(this.#current);
    const watched = `${this.#current} ${members?.length}`;
    if (watched === this.#watched || this.client.userId === '') return;
    this.#watched = watched;
    const others = members?.filter(({ userId }) => userId !== this.client.userId) ?? [];
    this.client.watchPresence(others.map(({ userId }) => userId));
  }

  #read(): void {
    const { entry, history } = this;
    if (!entry || this.#readingBack || !this.#ports.isVisible() || !history?.timeline.loaded) return;
    this.client.markRead(entry.conversation.conversationId, lastNumberOf(entry));
  }

  #trim(): void {
    const shown = this.history?.timeline.size ?? 0;
    if (this.#current !== undefined && !this.#readingBack && shown > MOST_SHOWN) {
      this.client.trim(this.#current, SHOWN_AFTER_TRIM);
    }
  }
}
