import { countCharacters, newPasswordProblem, PASSWORD_MIN, usernameProblem } from '../chat/rules.ts';
import { byId, setText, showText } from './dom.ts';
import { Form, requireFields, textOf } from './form.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What can be done where nobody is logged in. Each throws a FormProblem. */
export interface SignInActions {
  logIn(credentials: Credentials): Promise<void>;
  register(credentials: Credentials): Promise<void>;
  /** Takes a login over that another window of this browser has. */
  useHere(username: string): Promise<void>;
}

/** Why the page asks for a login. */
export interface SignInReason {
  /** As a sentence, when it is not for the user's own wish. */
  readonly note?: string;
  /** Whose login another window of this browser has. */
  readonly elsewhere?: string;
}

type Mode = 'login' | 'register';

const WORDS = {
  login: { title: 'Log in', submit: 'Log in', question: 'No account yet?', other: 'Create one' },
  register: { title: 'Create an account', submit: 'Create account', question: 'Have an account?', other: 'Log in' },
};

/** The form to log in or to register with. */
export class SignInView {
  readonly #root = byId('sign-in', HTMLElement);
  readonly #note = byId('sign-in-note', HTMLElement);
  readonly #username = byId('username', HTMLInputElement);
  readonly #password = byId('password', HTMLInputElement);
  readonly #passwordHint = byId('password-hint', HTMLElement);
  readonly #elsewhere = byId('elsewhere', HTMLElement);
  readonly #form: Form;
  #mode: Mode = 'login';

  constructor(actions: SignInActions) {
    this.#form = new Form({
      id: 'sign-in-form',
      errorId: 'sign-in-error',
      submit: async (fields) => {
        const credentials = { username: textOf(fields, 'username').trim(), password: textOf(fields, 'password') };
        this.#check(credentials);
        await (this.#mode === 'login' ? actions.logIn(credentials) : actions.register(credentials));
        this.#password.value = '';
      },
    });
    byId('other-mode', HTMLElement).addEventListener('click', () => {
      this.#setMode(this.#mode === 'login' ? 'register' : 'login');
      this.#username.focus();
    });
    byId('use-here', HTMLElement).addEventListener('click', () => {
      void actions.useHere(this.#elsewhere.dataset.username ?? '');
    });
    this.#password.addEventListener('input', () => this.#showHint());
  }

  show({ note = '', elsewhere = '' }: SignInReason = {}): void {
    this.#setMode('login');
    showText(this.#note, note);
    this.#elsewhere.hidden = elsewhere === '';
    this.#elsewhere.dataset.username = elsewhere;
    setText(byId('elsewhere-name', HTMLElement), elsewhere);
    this.#root.hidden = false;
    this.#username.focus();
  }

  hide(): void {
    this.#root.hidden = true;
  }

  #check({ username, password }: Credentials): void {
    if (this.#mode === 'register') {
      requireFields({ username: usernameProblem(username), password: newPasswordProblem(password) });
    } else {
      requireFields({
        username: username ? undefined : 'Enter your username.',
        password: password ? undefined : 'Enter your password.',
      });
    }
  }

  #setMode(mode: Mode): void {
    this.#mode = mode;
    this.#form.clearProblems();
    this.#form.element.dataset.mode = mode;
    setText(byId('sign-in-title', HTMLElement), WORDS[mode].title);
    setText(byId('sign-in-submit', HTMLElement), WORDS[mode].submit);
    setText(byId('other-mode-question', HTMLElement), WORDS[mode].question);
    setText(byId('other-mode', HTMLElement), WORDS[mode].other);
    this.#password.autocomplete = mode === 'login' ? 'current-password' : 'new-password';
    byId('username-hint', HTMLElement).hidden = mode === 'login';
    this.#showHint();
  }

  #showHint(): void {
    const count = countCharacters(this.#password.value);
    const missing = count === 0 || count >= PASSWORD_MIN ? '' : ` ${PASSWORD_MIN - count} more to go.`;
    const rule = `${PASSWORD_MIN} characters or more. A few unrelated words do well.${missing}`;
    showText(this.#passwordHint, this.#mode === 'register' ? rule : '');
  }
}
