import { until } from '@realchat/testkit';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BrowserClient, startBrowser } from './clients/browser-client.ts';
import { newPassword, newUsername } from './clients/user.ts';
import { type Gate, startGate } from './support/gate.ts';
import { useMesh } from './support/mesh.ts';

/** Long enough for the page to renew it in time, and short enough to end while a test looks on. */
const TOKEN_SECONDS = 40;
const OFFLINE_MS = 30_000;
const ASLEEP_MS = 45_000;
const PATIENCE_MS = 30_000;
const REFRESH = '/realchat.auth.v1.AuthService/RefreshSession';

const mesh = useMesh({ env: { auth: { ACCESS_TOKEN_SECONDS: String(TOKEN_SECONDS) } } });
const opened: BrowserClient[] = [];
let browser: Browser;
let sleeper: Browser;
/** Its connections run through a wire that the test can hold. */
let traveller: Browser;
let wire: Gate;
let ada: BrowserClient;
let bob: BrowserClient;
let conversation: string;

beforeAll(async () => {
  const { hostname, port } = new URL(mesh().tls);
  wire = await startGate(Number(port));
  browser = await startBrowser();
  sleeper = await startBrowser();
  traveller = await startBrowser(`--host-resolver-rules=MAP ${hostname}:${port} ${wire.address}`);
  ada = await registered(browser);
  bob = await registered(browser);
  conversation = await ada.openDirect(bob.username);
});

afterAll(async () => {
  for (const window of opened) expect(window.complaints.filter((each) => !isOfTheNetwork(each))).toEqual([]);
  await Promise.all([browser, sleeper, traveller].map((each) => each?.close()));
  await wire?.stop();
});

async function registered(where: Browser): Promise<BrowserClient> {
  const window = await BrowserClient.open(where, mesh().tls);
  opened.push(window);
  await window.register(newUsername(), newPassword());
  return window;
}

/** A browser writes to the console when it is offline, which a test is on purpose. */
function isOfTheNetwork(complaint: string): boolean {
  return /net::ERR_|WebSocket connection to .* failed|Failed to load resource/.test(complaint);
}

const textsOf = async (window: BrowserClient) => (await window.shown()).map(({ text }) => text);

describe('two windows', () => {
  test('show a message of one in the other, unread until it is looked at, and each tick in the first', async () => {
    await ada.send('are you there?');
    await until('the list of the other counts it', async () => (await bob.unreadOf(conversation)) === 1, PATIENCE_MS);
    await until(
      'it has arrived',
      async () => (await ada.rowOf('are you there?', 'receipt')) === 'delivered',
      PATIENCE_MS,
    );
    await bob.show(conversation);
    await until('it is read', async () => (await ada.rowOf('are you there?', 'receipt')) === 'read', PATIENCE_MS);
    expect(await ada.textOf('receipt')).toBe('Read');
    expect(await bob.unreadOf(conversation)).toBe(0);
  });

  test('show who types, until it is sent, and no longer than six seconds after the last key', async () => {
    await bob.type('yes');
    await until(
      'the other sees it',
      async () => (await ada.textOf('typing')) === `${bob.username} is typing…`,
      PATIENCE_MS,
    );
    await bob.write('yes, I am');
    await until('it is there', async () => (await ada.shown()).length === 2, PATIENCE_MS);
    expect(await textsOf(ada)).toEqual(['are you there?', 'yes, I am']);
    await until('it is over', async () => (await ada.textOf('typing')) === '', PATIENCE_MS);
    await ada.type('good');
    await until('the other sees it', async () => (await bob.textOf('typing')) !== '', PATIENCE_MS);
    const seenAt = performance.now();
    await until('it is over', async () => (await bob.textOf('typing')) === '', PATIENCE_MS);
    expect(performance.now() - seenAt).toBeLessThan(7_500);
  });

  test('show who is there, and who has gone for ten seconds', async () => {
    const guest = await registered(browser);
    await ada.openDirect(guest.username);
    await until('the guest is there', async () => (await ada.textOf('conversation-kind')) === 'Online', PATIENCE_MS);
    await until('the list says so', async () => (await ada.presenceOf(bob.username)) === 'online', PATIENCE_MS);
    await guest.close();
    await until('the guest has gone', async () => (await ada.presenceOf(guest.username)) === 'offline', PATIENCE_MS);
    expect(await ada.textOf('conversation-kind')).toMatch(/^Last seen /);
    expect(await ada.presenceOf(bob.username)).toBe('online');
    await ada.show(conversation);
  });

  test('go on after a reload, with what was open, what was begun to be sent, and nothing twice', async () => {
    // So that a message waits while the page goes away.
    await ada.page.route('**/SendMessage', (route) => route.abort());
    await ada.write('before the reload');
    await until('it waits', async () => (await ada.rowOf('before the reload', 'state')) === 'sending', PATIENCE_MS);
    await ada.page.unroute('**/SendMessage');
    await ada.page.reload();
    await ada.live();
    await until('it is sent', async () => (await ada.rowOf('before the reload', 'state')) === 'sent', PATIENCE_MS);
    await bob.send('after the reload');
    const all = ['are you there?', 'yes, I am', 'before the reload', 'after the reload'];
    for (const window of [ada, bob]) {
      await until('all is shown', async () => (await window.shown()).length >= all.length, PATIENCE_MS);
      expect(await textsOf(window)).toEqual(all);
    }
  });

  test('show history that was kept while the server is not there yet', async () => {
    const before = await textsOf(bob);
    await until('it is kept', async () => (await keptCount(bob)) === before.length, PATIENCE_MS);
    const messaging = mesh().stack.process('messaging');
    messaging.pause();
    try {
      await bob.page.reload();
      await until('it is shown', async () => (await bob.shown()).length >= before.length, PATIENCE_MS);
      expect(await textsOf(bob)).toEqual(before);
      expect(await bob.textOf('conversation-title')).toBe(ada.username);
    } finally {
      messaging.resume();
    }
    await bob.live();
  });
});

test('offline for 30 s, asleep for longer than a token lives, and open while a token ends: each goes on by itself', async () => {
  const [gone, asleep] = [await registered(traveller), await registered(sleeper)];
  const awayTo = await gone.openDirect(ada.username);
  const sleepTo = await asleep.openDirect(ada.username);
  await ada.show(awayTo);
  const steady = stateChangesOf(ada);
  const begun = performance.now();

  const offline = async () => {
    await gone.send('before');
    // The browser is told, and what it has opened already is dead without a word.
    wire.close();
    await gone.page.context().setOffline(true);
    const since = performance.now();
    await until(
      'it says so',
      async () => (await gone.page.getByTestId('link-state').getAttribute('data-state')) === 'offline',
    );
    for (const text of ['first', 'second']) await gone.write(text);
    await ada.write('meanwhile');
    await until('30 s are over', () => performance.now() - since > OFFLINE_MS, OFFLINE_MS + 5_000);
    expect((await gone.shown()).map(({ seq, text }) => [text, seq > 0])).toEqual([
      ['before', true],
      ['first', false],
      ['second', false],
    ]);
    expect(wire.held().toServer + wire.held().toClient).toBeGreaterThan(0);
    wire.open();
    await gone.page.context().setOffline(false);
    const back = performance.now();
    await until(
      'it has caught up',
      async () => (await gone.shown()).filter(({ seq }) => seq > 0).length === 4,
      PATIENCE_MS,
    );
    console.info(`after 30 s offline all was sent and shown in ${Math.round(performance.now() - back)} ms`);
    expect(performance.now() - back).toBeLessThan(10_000);
    expect(await textsOf(gone)).toEqual(['before', 'meanwhile', 'first', 'second']);
    await until('the other has it', async () => (await ada.shown()).length >= 4, PATIENCE_MS);
    expect(await textsOf(ada)).toEqual(['before', 'meanwhile', 'first', 'second']);
  };

  const sleep = async () => {
    const wake = await stopRenderers(sleeper);
    const since = performance.now();
    await until('it slept', () => performance.now() - since > ASLEEP_MS, ASLEEP_MS + 5_000);
    await bob.openDirect(asleep.username);
    await bob.send('good morning');
    wake();
    const awake = performance.now();
    await asleep.page.getByTestId('conversation-item').filter({ hasText: bob.username }).waitFor();
    await asleep.live();
    console.info(
      `after ${ASLEEP_MS / 1_000} s asleep it was live and had all in ${Math.round(performance.now() - awake)} ms`,
    );
    expect(performance.now() - awake).toBeLessThan(15_000);
    await asleep.show(sleepTo);
    await asleep.send('I slept well');
  };

  await Promise.all([offline(), sleep()]);
  await until(
    'the first token has ended',
    () => performance.now() - begun > TOKEN_SECONDS * 1_000 + 5_000,
    PATIENCE_MS,
  );
  // It was renewed on the open socket, which nobody noticed.
  expect(ada.calls.filter(({ path }) => path === REFRESH).length).toBeGreaterThan(0);
  await ada.send('still here');
  expect(await steady()).toEqual([]);
});

describe('one account in two windows of one browser', () => {
  test('belongs to one of them at a time, and goes over whole when the other asks for it', async () => {
    const first = await registered(browser);
    const there = await first.openDirect(ada.username);
    await first.send('from the first window');
    const second = await first.anotherWindow();
    opened.push(second);
    await second.page.getByTestId('elsewhere').waitFor();
    await second.page.getByTestId('use-here').click();
    await second.live();
    await first.page.getByTestId('sign-in-note').waitFor();
    expect(await first.textOf('sign-in-note')).toBe('RealChat goes on in another window.');
    await second.show(there);
    await second.send('from the second window');
    await until('all is shown', async () => (await second.shown()).length === 2, PATIENCE_MS);
    expect(await textsOf(second)).toEqual(['from the first window', 'from the second window']);
    await first.page.getByTestId('use-here').click();
    await first.live();
    await first.show(there);
    await until('all is shown', async () => (await first.shown()).length === 2, PATIENCE_MS);
    expect(await textsOf(first)).toEqual(['from the first window', 'from the second window']);
    await second.page.getByTestId('sign-in').waitFor();
  });

  test('and is told in the page when the login is ended elsewhere', async () => {
    const [username, password] = [newUsername(), newPassword()];
    const window = await BrowserClient.open(browser, mesh().tls);
    opened.push(window);
    await window.register(username, password);
    await endSessions(username, password);
    await window.page.getByTestId('sign-in-note').waitFor({ timeout: 5_000 });
    expect(await window.textOf('sign-in-note')).toContain('Log in again.');
    expect(await window.page.getByTestId('chat').isVisible()).toBe(false);
  });
});

/** How many messages of its conversation the page has kept over a reload. */
function keptCount({ page }: BrowserClient): Promise<number> {
  return page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error('no database'));
      });
    const database = await settled(indexedDB.open('realchat'));
    const store = database.transaction('kept').objectStore('kept');
    const names = (await settled(store.getAllKeys())).map(String);
    const name = names.find((each) => each.endsWith(location.hash.slice(1)));
    const kept = name === undefined ? '{"messages":[]}' : String(await settled(store.get(name)));
    database.close();
    return (JSON.parse(kept) as { messages: unknown[] }).messages.length;
  });
}

/** Notes every state of the link from now on. */
function stateChangesOf({ page }: BrowserClient): () => Promise<string[]> {
  const noting = page.evaluate(() => {
    const link = document.querySelector<HTMLElement>('[data-testid="link-state"]');
    const states: string[] = [];
    Object.assign(globalThis, { states });
    if (link)
      new MutationObserver(() => states.push(link.dataset['state'] ?? '')).observe(link, {
        attributeFilter: ['data-state'],
      });
  });
  return async () => {
    await noting;
    return page.evaluate(() => (globalThis as unknown as { states: string[] }).states);
  };
}

/** Stops all renderers of a browser, as a lid that is closed does. Answers how to wake them. */
async function stopRenderers(where: Browser): Promise<() => void> {
  const session = await where.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids) process.kill(id, 'SIGSTOP');
  return () => {
    for (const id of ids) process.kill(id, 'SIGCONT');
  };
}

/** Logs in by other means and ends all other sessions of the account. */
async function endSessions(username: string, password: string): Promise<void> {
  const call = async (method: string, body: unknown, token = '') => {
    const response = await fetch(`${mesh().plain}/realchat.auth.v1.AuthService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { accessToken: string; sessions: { sessionId: string; current?: boolean }[] };
  };
  const { accessToken } = await call('Login', { username, password });
  const { sessions } = await call('ListSessions', {}, accessToken);
  const others = sessions.filter(({ current }) => !current);
  expect(others).toHaveLength(1);
  for (const { sessionId } of others) await call('RevokeSession', { sessionId }, accessToken);
}
