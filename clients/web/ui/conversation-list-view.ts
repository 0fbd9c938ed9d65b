import { type Entry, unreadCount } from '@realchat/client';
import type { Chat } from '../chat/chat.ts';
import { kindOf, titleOf } from './conversation-names.ts';
import { arrange, byId, make, setText, showText } from './dom.ts';
import { presenceWords, renderPresenceDot } from './presence-view.ts';

interface Row {
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly dot: HTMLElement;
  readonly presence: HTMLElement;
  readonly title: HTMLElement;
  readonly detail: HTMLElement;
  readonly count: HTMLElement;
}

/** The list of the user's conversations. */
export class ConversationListView {
  readonly #list = byId('conversations', HTMLUListElement);
  readonly #nothing = byId('no-conversations', HTMLElement);
  readonly #rows = new Map<string, Row>();
  readonly #open: (conversationId: string) => void;

  constructor(open: (conversationId: string) => void) {
    this.#open = open;
  }

  render(chat: Chat): void {
    const entries = chat.client.known;
    const ids = new Set(entries.map(({ conversation }) => conversation.conversationId));
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    arrange(
      this.#list,
      entries.map((entry) => this.#render(entry, chat)),
    );
    const { listed } = chat.client;
    this.#list.ariaBusy = String(!listed);
    this.#nothing.hidden = !listed || entries.length > 0;
  }

  focus(conversationId: string | undefined): void {
    this.#rows.get(conversationId ?? '')?.button.focus();
  }

  #render(entry: Entry, chat: Chat): HTMLElement {
    const { conversation, latest } = entry;
    const { conversationId } = conversation;
    const row = this.#rows.get(conversationId) ?? makeRow(conversationId, this.#open);
    this.#rows.set(conversationId, row);
    const count = unreadCount(entry);
    const presence = conversation.peerId === '' ? undefined : chat.client.presenceOf(conversation.peerId);
    renderPresenceDot(row.dot, presence);
    showText(row.presence, presenceWords(presence));
    setText(row.title, titleOf(conversation, chat.client));
    setText(row.detail, latest?.content.case === 'text' ? latest.content.value : kindOf(conversation));
    showText(row.count, count > 0 ? `${count} unread` : '');
    if (conversationId === chat.current) row.button.ariaCurrent = 'page';
    else row.button.removeAttribute('aria-current');
    return row.item;
  }
}

function makeRow(conversationId: string, open: (conversationId: string) => void): Row {
  const row = {
    item: make('li'),
    button: make('button', 'row-button'),
    dot: make('span', 'presence'),
    presence: make('span', 'visually-hidden'),
    title: make('span', 'row-title'),
    detail: make('span', 'row-detail'),
    count: make('span', 'row-count'),
  };
  row.button.type = 'button';
  row.button.dataset.testid = 'conversation-item';
  row.button.dataset.conversationId = conversationId;
  row.count.dataset.testid = 'unread-count';
  row.title.dir = 'auto';
  row.detail.dir = 'auto';
  row.button.addEventListener('click', () => open(conversationId));
  row.dot.dataset.testid = 'presence';
  row.dot.ariaHidden = 'true';
  const name = make('span', 'row-name');
  name.append(row.dot, ' ', row.title, ' ', row.presence);
  row.button.append(name, ' ', row.count, ' ', row.detail);
  row.item.append(row.button);
  return row;
}
