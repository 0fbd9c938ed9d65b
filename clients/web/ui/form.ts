import { failureOf } from '@realchat/client';
import { FormProblem } from '../chat/form-problem.ts';
import { byId, showText } from './dom.ts';

/** A form of the page. */
export interface FormOptions {
  readonly id: string;
  /** The id of the element that says what is wrong with the form as a whole. */
  readonly errorId: string;
  /** What it does; a FormProblem that it throws is shown. */
  submit(fields: FormData): void | Promise<void>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Runs a form: one submission at a time, problems shown at their fields, the first of them focused. */
export class Form {
  readonly element: HTMLFormElement;
  readonly #options: FormOptions;
  readonly #error: HTMLElement;
  #busy = false;

  constructor(options: FormOptions) {
    this.element = byId(options.id, HTMLFormElement);
    this.#options = options;
    this.#error = byId(options.errorId, HTMLElement);
    const submitted = (event: SubmitEvent) => {
      event.preventDefault();
      void this.#submit();
    };
    this.element.addEventListener('submit', submitted, options.signal ? { signal: options.signal } : {});
  }

  /** Takes all problems away. */
  clearProblems(): void {
    this.#show(new FormProblem(''));
  }

  async #submit(): Promise<void> {
    if (this.#busy) return;
    this.#setBusy(true);
    this.clearProblems();
    try {
      await this.#options.submit(new FormData(this.element));
    } catch (thrown) {
      this.#show(thrown instanceof FormProblem ? thrown : new FormProblem(failureOf(thrown).sentence));
    } finally {
      this.#setBusy(false);
    }
  }

  #show({ message, fields }: FormProblem): void {
    showText(this.#error, message);
    let first: HTMLElement | undefined;
    for (const input of this.element.querySelectorAll<HTMLElement>('[name]')) {
      const problem = fields[input.getAttribute('name') ?? ''];
      input.ariaInvalid = String(problem !== undefined);
      if (problem !== undefined) first ??= input;
      showText(byId(`${input.id}-error`, HTMLElement), problem);
    }
    first?.focus();
  }

  // Not disabled: that would take the focus away from who pressed the button.
  #setBusy(busy: boolean): void {
    this.#busy = busy;
    this.element.ariaBusy = String(busy);
  }
}

/** Refuses a form when one of its fields is not as it must be. */
export function requireFields(problems: Record<string, string | undefined>): void {
  const fields = Object.entries(problems).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (fields.length) throw new FormProblem('', Object.fromEntries(fields));
}

/** A text field's value. */
export function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
}
