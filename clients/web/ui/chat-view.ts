import { unreadCount } from '@realchat/client';
import type { Chat } from '../chat/chat.ts';
import { ComposerView } from './composer-view.ts';
import { ConversationListView } from './conversation-list-view.ts';
import { kindOf, titleOf } from './conversation-names.ts';
import { byId, setText } from './dom.ts';
import { renderLink } from './link-view.ts';
import { MessageListView } from './message-list-view.ts';
import { bindNewConversation } from './new-conversation-view.ts';
import { presenceWords, renderPresenceDot } from './presence-view.ts';
import { renderTyping } from './typing-view.ts';

export interface ChatViewActions {
  /** Goes to a conversation, or to none. */
  open(conversationId: string | undefined): void;
  logOut(): void;
}

/** All that a logged-in user sees. */
export class ChatView {
  readonly #chat: Chat;
  readonly #root = byId('chat', HTMLElement);
  readonly #head = byId('conversation-head', HTMLElement);
  readonly #list: ConversationListView;
  readonly #messages: MessageListView;
  readonly #composer: ComposerView;
  readonly #closed = new AbortController();
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(chat: Chat, actions: ChatViewActions) {
    const { signal } = this.#closed;
    const open = (conversationId: string) => {
      actions.open(conversationId);
      this.render();
      // On a touch screen the focus would bring up the keyboard, over what is to be read.
      if (matchMedia('(pointer: fine)').matches) this.#composer.focus();
    };
    const goBack = () => {
      const from = chat.current;
      actions.open(undefined);
      this.render();
      this.#list.focus(from);
    };
    this.#chat = chat;
    this.#list = new ConversationListView(open);
    this.#messages = new MessageListView(chat, signal);
    this.#composer = new ComposerView(chat, () => this.#sent(), signal);
    bindNewConversation(chat, open, signal);
    byId('back', HTMLElement).addEventListener('click', goBack, { signal });
    byId('log-out', HTMLElement).addEventListener('click', () => actions.logOut(), { signal });
    setText(byId('me', HTMLElement), chat.client.username);
    this.#root.hidden = false;
    this.render();
  }

  /** Renders soon; however often it is called meanwhile, once. */
  renderSoon(): void {
    // Not an animation frame: there are none in a window that is covered, and its title and list are to be right too.
    this.#due ??= setTimeout(() => this.render(), 0);
  }

  render(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    if (this.#closed.signal.aborted) return;
    const chat = this.#chat;
    const { client, entry } = chat;
    const presence = client.presenceOf(entry?.conversation.peerId ?? '');
    const isOpen = chat.current !== undefined;
    this.#root.dataset.pane = isOpen ? 'conversation' : 'list';
    byId('nothing-open', HTMLElement).hidden = isOpen;
    byId('scroller', HTMLElement).hidden = !isOpen;
    this.#head.hidden = !isOpen;
    setText(byId('conversation-title', HTMLElement), entry ? titleOf(entry.conversation, client) : '…');
    setText(
      byId('conversation-kind', HTMLElement),
      entry ? (entry.left ? 'You left' : presenceWords(presence) || kindOf(entry.conversation)) : '',
    );
    renderPresenceDot(byId('conversation-presence', HTMLElement), presence);
    this.#composer.render(entry && !entry.left ? chat.current : undefined);
    this.#list.render(chat);
    this.#messages.render();
    renderTyping(chat.typing);
    renderLink(client.status.state);
    this.#renderTitle();
  }

  close(): void {
    this.#closed.abort();
    clearTimeout(this.#due);
    this.#root.hidden = true;
    document.title = 'RealChat';
  }

  #sent(): void {
    this.render();
    this.#messages.scrollToEnd();
  }

  #renderTitle(): void {
    const count = this.#chat.client.known.reduce((sum, entry) => sum + unreadCount(entry), 0);
    const title = count > 0 ? `(${count}) RealChat` : 'RealChat';
    if (document.title !== title) document.title = title;
  }
}
