import type { Chat } from '../chat/chat.ts';
import { textProblem } from '../chat/rules.ts';
import { byId } from './dom.ts';
import { Form, requireFields } from './form.ts';

/** Where messages are written. What was begun in a conversation is there again when it is opened again. */
export class ComposerView {
  readonly #form: Form;
  readonly #text = byId('text', HTMLTextAreaElement);
  readonly #drafts = new Map<string, string>();
  #conversationId: string | undefined;

  /** @param sent called after a message was given to the chat. */
  constructor(chat: Chat, sent: () => void, signal: AbortSignal) {
    this.#form = new Form({
      id: 'composer',
      errorId: 'text-error',
      signal,
      submit: () => {
        // Not from the form's data: that makes CRLF of line ends.
        const text = this.#text.value;
        if (text.trim() === '') return;
        requireFields({ text: textProblem(text) });
        chat.send(text);
        this.#text.value = '';
        sent();
      },
    });
    this.#text.value = '';
    const pressed = (event: KeyboardEvent) => {
      // While an input method composes, Enter is a part of the writing.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.element.requestSubmit();
    };
    this.#text.addEventListener('keydown', pressed, { signal });
    this.#text.addEventListener('input', () => chat.typed(this.#text.value), { signal });
    this.#text.addEventListener('blur', () => chat.client.stopTyping(), { signal });
  }

  /** @param conversationId the conversation that can be written to. */
  render(conversationId: string | undefined): void {
    this.#form.element.hidden = conversationId === undefined;
    if (conversationId === this.#conversationId) return;
    if (this.#conversationId !== undefined) this.#drafts.set(this.#conversationId, this.#text.value);
    this.#conversationId = conversationId;
    this.#text.value = this.#drafts.get(conversationId ?? '') ?? '';
    this.#form.clearProblems();
  }

  focus(): void {
    this.#text.focus();
  }
}
