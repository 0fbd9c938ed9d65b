import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** A message as the page shows it. */
export interface ShownMessage {
  seq: number;
  text: string;
  mine: boolean;
}

/** A request that the page made to the mesh. */
export interface PageCall {
  path: string;
  contentType: string;
}

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const FLAGS = ['--no-sandbox', '--disable-background-networking', '--disable-gpu'];
const PATIENCE_MS = 20_000;

/** A headless Chromium, for several windows. */
export async function startBrowser(...flags: string[]): Promise<Browser> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = CHROMIUM.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
  if (!found) throw new Error('there is no Chromium: npm run prerequisites');
  return chromium.launch({ executablePath: found, args: [...FLAGS, ...flags] });
}

/** A user in a browser window of their own, who does what a person does: fills in, clicks, reads. */
export class BrowserClient {
  readonly name = 'chromium grpc-web';
  readonly calls: PageCall[] = [];
  /** What the page complained about on its console, and scripts that failed. */
  readonly complaints: string[] = [];
  username = '';
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('request', (request) => {
      const contentType = request.headers()['content-type'] ?? '';
      this.calls.push({ path: new URL(request.url()).pathname, contentType });
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  /** Another window of the same browser, as the same person sees it: they share what the browser keeps. */
  async anotherWindow(): Promise<BrowserClient> {
    const page = await this.page.context().newPage();
    const client = new BrowserClient(page);
    await page.goto(new URL('/', this.page.url()).href);
    return client;
  }

  /** Opens the page of a mesh. Its certificate is that of development, which only this test's other clients have to trust. */
  static async open(browser: Browser, url: string): Promise<BrowserClient> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const client = new BrowserClient(page);
    await page.goto(url);
    return client;
  }

  async register(username: string, password: string): Promise<void> {
    await this.page.getByTestId('other-mode').click();
    await this.#enter(username, password);
  }

  async login(username: string, password: string): Promise<void> {
    await this.#enter(username, password);
  }

  /** Opens the conversation with a user. Answers its id. */
  async openDirect(username: string): Promise<string> {
    await this.page.getByTestId('direct-username').fill(username);
    await this.page.getByTestId('direct-open').click();
    // Another conversation may be shown until then.
    await this.page.getByTestId('conversation-title').filter({ hasText: username }).waitFor();
    await this.page.getByTestId('composer').waitFor();
    return this.#openConversation();
  }

  /** Shows a conversation that is in the list. */
  async show(conversationId: string): Promise<void> {
    await this.page.locator(`[data-conversation-id="${conversationId}"]`).click();
    await this.page.getByTestId('composer').waitFor();
  }

  /** Types a message, sends it, and waits until the page shows it as sent. */
  async send(text: string): Promise<ShownMessage> {
    await this.page.getByTestId('text').fill(text);
    await this.page.getByTestId('send').click();
    const sent = this.page.locator('[data-testid="message"][data-mine="true"][data-state="sent"]', { hasText: text });
    await sent.waitFor();
    return { seq: Number(await sent.getAttribute('data-seq')), text, mine: true };
  }

  /** The messages that the page shows right now, from top to bottom. */
  shown(): Promise<ShownMessage[]> {
    return this.page.getByTestId('message').evaluateAll((rows) =>
      rows.map((row) => ({
        seq: Number((row as HTMLElement).dataset.seq),
        text: row.querySelector('[data-testid="message-text"]')?.textContent ?? '',
        mine: (row as HTMLElement).dataset.mine === 'true',
      })),
    );
  }

  /** Types into the composer, key by key, and does not send it. */
  async type(text: string): Promise<void> {
    await this.page.getByTestId('text').pressSequentially(text, { delay: 50 });
  }

  /** Types a message and sends it by Enter, without waiting for anything. */
  async write(text: string): Promise<void> {
    await this.page.getByTestId('text').fill(text);
    await this.page.getByTestId('text').press('Enter');
  }

  /** Waits until the page hears of what others do. */
  async live(): Promise<void> {
    await this.page.locator('[data-testid="link-state"][data-state="live"]').waitFor({ state: 'attached' });
  }

  /** The text of an element of the page; empty when it is not there. */
  async textOf(testId: string): Promise<string> {
    const found = this.page.getByTestId(testId);
    return (await found.count()) > 0 ? ((await found.first().textContent()) ?? '') : '';
  }

  /** An attribute of the row of a message, without its `data-`. */
  async rowOf(text: string, attribute: string): Promise<string> {
    const row = this.page.getByTestId('message').filter({ hasText: text });
    return (await row.count()) > 0 ? ((await row.first().getAttribute(`data-${attribute}`)) ?? '') : '';
  }

  /** How many messages of a conversation are unread, by its list. */
  async unreadOf(conversationId: string): Promise<number> {
    const count = this.page.locator(`[data-conversation-id="${conversationId}"]`).getByTestId('unread-count');
    return Number.parseInt((await count.textContent()) || '0', 10);
  }

  /** Whether the other side of a direct conversation is there, by the list; empty while that is not known. */
  async presenceOf(username: string): Promise<string> {
    const item = this.page.getByTestId('conversation-item').filter({ hasText: username });
    const dot = item.first().getByTestId('presence');
    return (await dot.isVisible()) ? ((await dot.getAttribute('data-state')) ?? '') : '';
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async #enter(username: string, password: string): Promise<void> {
    await this.page.getByTestId('username').fill(username);
    await this.page.getByTestId('password').fill(password);
    await this.page.getByTestId('sign-in-submit').click();
    await this.page.getByTestId('chat').waitFor();
    await this.live();
    this.username = username;
  }

  async #openConversation(): Promise<string> {
    await this.page.waitForFunction(() => location.hash.length > 1);
    return new URL(this.page.url()).hash.slice(1);
  }
}
