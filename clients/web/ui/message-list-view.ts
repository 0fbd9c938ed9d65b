import type { Chat } from '../chat/chat.ts';
import { arrange, byId, showText } from './dom.ts';
import { MessageRow } from './message-row.ts';
import { shownMessages } from './shown-messages.ts';

const NEAR_END_PX = 60;

/** The messages of the conversation that is open. */
export class MessageListView {
  readonly #scroller = byId('scroller', HTMLElement);
  readonly #list = byId('messages', HTMLOListElement);
  readonly #log = byId('log', HTMLElement);
  readonly #older = byId('older', HTMLButtonElement);
  readonly #toNewest = byId('to-newest', HTMLButtonElement);
  readonly #state = byId('history-state', HTMLElement);
  readonly #rows = new Map<string, MessageRow>();
  readonly #chat: Chat;
  #conversationId: string | undefined;
  #atEnd = true;

  constructor(chat: Chat, signal: AbortSignal) {
    this.#chat = chat;
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { signal, passive: true });
    const resized = new ResizeObserver(() => this.#keepEnd());
    resized.observe(this.#scroller);
    signal.addEventListener('abort', () => resized.disconnect());
    this.#older.addEventListener('click', () => void chat.readOlder(), { signal });
    this.#toNewest.addEventListener('click', () => this.scrollToEnd(), { signal });
    this.#begin(undefined);
  }

  render(): void {
    const { current, history } = this.#chat;
    if (current !== this.#conversationId) this.#begin(current);
    const anchor = this.#anchor();
    const shown = shownMessages(this.#chat);
    const keys = new Set(shown.map(({ key }) => key));
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
    arrange(
      this.#list,
      shown.map((each) => {
        const row = this.#rows.get(each.key) ?? this.#makeRow(each.key);
        row.render(each);
        return row.element;
      }),
    );
    const loaded = history?.timeline.loaded ?? false;
    // What is read the first time is not news: it is not to be announced.
    this.#log.ariaBusy = String(!loaded);
    this.#list.dataset.kind = this.#chat.isDirect ? 'direct' : 'group';
    this.#older.hidden = !loaded || !history?.timeline.hasOlder;
    this.#older.ariaBusy = String(history?.reading ?? false);
    showText(this.#state, history?.problem ?? emptiness(loaded, shown.length));
    this.#restore(anchor);
  }

  scrollToEnd(): void {
    this.#atEnd = true;
    this.#keepEnd();
    this.#scrolled();
  }

  #begin(conversationId: string | undefined): void {
    this.#conversationId = conversationId;
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#atEnd = true;
  }

  #makeRow(key: string): MessageRow {
    const row = new MessageRow(this.#chat.client);
    this.#rows.set(key, row);
    return row;
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#chat.readingBack = !this.#atEnd;
    this.#toNewest.hidden = this.#atEnd;
  }

  #keepEnd(): void {
    if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** The first message in view, and where it is. */
  #anchor(): { element: Element; top: number } | undefined {
    if (this.#atEnd) return undefined;
    const top = this.#scroller.getBoundingClientRect().top;
    for (const element of this.#list.children) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top) return { element, top: box.top };
    }
    return undefined;
  }

  /** Leaves the reader where they were, whatever was put in above or below. */
  #restore(anchor: { element: Element; top: number } | undefined): void {
    if (anchor?.element.isConnected) {
      this.#scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    }
    this.#keepEnd();
  }
}

function emptiness(loaded: boolean, count: number): string | undefined {
  if (!loaded) return 'Loading…';
  return count === 0 ? 'No messages yet.' : undefined;
}
