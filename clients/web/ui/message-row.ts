import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Pending, Receipts } from '@realchat/client';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import { make, setText, showText } from './dom.ts';
import { type ReceiptState, receiptStateOf, receiptWords } from './receipt.ts';

/** A message as it is shown, whether it is committed or not. */
export interface Shown {
  /** The same before and after it is committed. */
  readonly key: string;
  readonly mine: boolean;
  readonly sender: string;
  /** It follows another message of the same sender closely. */
  readonly continued: boolean;
  readonly message?: Message;
  /** How far it has got with the others, when it is the user's own. */
  readonly receipts?: Receipts | undefined;
  readonly pending?: Pending;
}

/** What can be done with a refused message. */
export interface RowActions {
  retry(pending: Pending): void;
  discard(pending: Pending): void;
}

const TICKS: Record<ReceiptState, string> = { sent: '✓', delivered: '✓✓', read: '✓✓' };

const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** One message in the list. */
export class MessageRow {
  readonly element = make('li', 'message');
  readonly #sender = make('span', 'sender');
  readonly #text = make('p', 'text');
  readonly #time = make('time');
  readonly #meta = make('span', 'meta');
  readonly #state = make('span', 'state');
  readonly #ticks = make('span', 'ticks');
  readonly #receipt = make('span', 'visually-hidden');
  readonly #actions = make('span', 'actions');
  #pending: Pending | undefined;

  constructor(actions: RowActions) {
    const { element } = this;
    element.dataset.testid = 'message';
    this.#text.dataset.testid = 'message-text';
    this.#text.dir = 'auto';
    this.#actions.append(
      this.#button('Send again', 'retry', (pending) => actions.retry(pending)),
      this.#button('Discard', 'discard', (pending) => actions.discard(pending)),
    );
    this.#ticks.ariaHidden = 'true';
    this.#receipt.dataset.testid = 'receipt';
    this.#meta.append(this.#time, ' ', this.#state, ' ', this.#ticks, this.#receipt);
    element.append(this.#sender, this.#text, this.#meta);
  }

  render({ mine, sender, continued, message, receipts, pending }: Shown): void {
    const { dataset, classList } = this.element;
    const state = message ? 'sent' : pending?.refusal === undefined ? 'sending' : 'refused';
    this.#pending = pending;
    dataset.state = state;
    dataset.mine = String(mine);
    dataset.seq = message ? String(message.seq) : '';
    dataset.clientMessageId = message?.clientMessageId ?? pending?.clientMessageId ?? '';
    const receipt = mine && message ? receiptStateOf(receipts) : undefined;
    dataset.receipt = receipt ?? '';
    classList.toggle('continued', continued);
    setText(this.#sender, mine ? 'You' : sender || '…');
    setText(this.#text, textOf(message, pending));
    this.#renderTime(timeOf(message, pending));
    showText(this.#state, state === 'sending' ? 'Sending…' : pending?.refusal && `Not sent. ${pending.refusal}`);
    showText(this.#ticks, receipt && TICKS[receipt]);
    showText(this.#receipt, receipt && receiptWords(receipts));
    this.#meta.title = receipt ? receiptWords(receipts) : '';
    if (state === 'refused') this.#meta.append(this.#actions);
    else this.#actions.remove();
  }

  #renderTime(time: Date): void {
    const isToday = time.toDateString() === new Date().toDateString();
    this.#time.dateTime = time.toISOString();
    setText(this.#time, (isToday ? timeOnly : dateAndTime).format(time));
  }

  #button(text: string, testId: string, act: (pending: Pending) => void): HTMLButtonElement {
    const button = make('button', 'link');
    button.type = 'button';
    button.dataset.testid = testId;
    button.textContent = text;
    button.addEventListener('click', () => {
      if (this.#pending) act(this.#pending);
    });
    return button;
  }
}

function textOf(message: Message | undefined, pending: Pending | undefined): string {
  if (!message) return pending?.text ?? '';
  return message.content.case === 'text' ? message.content.value : 'A message of a kind that this page cannot show.';
}

function timeOf(message: Message | undefined, pending: Pending | undefined): Date {
  return message?.createTime ? timestampDate(message.createTime) : new Date(pending?.writtenAt ?? Date.now());
}
