import { createRealChat, type RealChat } from '@realchat/client';
import { WebSocket as NodeWebSocket } from 'ws';
import { newPassword, newUsername } from '../../e2e/clients/user.ts';
import { hashOf, type Journal } from '../history/journal.ts';
import type { Seen } from '../history/line.ts';
import { allPages } from './all-pages.ts';
import type { Attempt, Device } from './device.ts';
import { patiently } from './patiently.ts';
import { listed, toSaid } from './said.ts';

const LIVE_WITHIN_MS = 30_000;

/** A message that is not answered yet. */
interface Waiting {
  call: number;
  from: number;
  /** An attempt ended of which nobody knows what became. */
  isInDoubt: boolean;
  end: (taken: boolean) => void;
}

/**
 * The resumable client of this repository over a WebSocket, as an application uses it: it retries, resumes, dedupes and
 * back-fills by itself, and tells messages alone. What it tells is what its user is shown.
 */
export class ResumableDevice implements Device {
  readonly name: string;
  readonly transport = 'websocket';
  readonly inFlight = new Set<{ from: number }>();
  readonly cut: Attempt[] = [];
  /** Its sockets that are open. */
  readonly sockets: ReadonlySet<NodeWebSocket>;
  streamsLost = 0;
  readonly #journal: Journal;
  readonly #chat: RealChat;
  readonly #waiting = new Map<string, Waiting>();
  /** How the last socket was closed, told once; STREAM when only the stream ended, and its socket did not. */
  readonly #howClosed: () => string;
  #isOpen = false;

  /** Registers a new user. */
  static async create(journal: Journal, url: string, certificateAuthority?: Buffer): Promise<ResumableDevice> {
    const sockets = new Set<NodeWebSocket>();
    let lastCode: number | undefined;
    const WatchedSocket = class extends NodeWebSocket {
      constructor(address: string | URL, protocols: string[]) {
        super(address, protocols, certificateAuthority && { ca: certificateAuthority });
        sockets.add(this);
        this.on('close', (code) => {
          // 1000 is the client's own word.
          // One that was given up for a newer one, as when its gateway was frozen, may be closed much later.
          if (code !== 1000 && [...sockets].at(-1) === this) lastCode = code;
          sockets.delete(this);
        });
      }
    };
    const chat = createRealChat({ url, webSocket: WatchedSocket as never });
    const username = newUsername();
    await patiently(() => chat.register({ username, password: newPassword() }));
    return new ResumableDevice(journal, chat, username, sockets, () => {
      const code = lastCode;
      lastCode = undefined;
      return code === undefined ? 'STREAM' : String(code);
    });
  }

  private constructor(
    journal: Journal,
    chat: RealChat,
    username: string,
    sockets: Set<NodeWebSocket>,
    howClosed: () => string,
  ) {
    this.#journal = journal;
    this.#chat = chat;
    this.sockets = sockets;
    this.#howClosed = howClosed;
    this.name = `websocket ${username}`;
    const client = { type: 'client', device: this.name, user: chat.userId, transport: this.transport } as const;
    journal.write({ ...client, sees: 'messages' });
    chat.on('message', (message) =>
      journal.write({ type: 'deliver', device: this.name, how: 'live', ...listed(message) }),
    );
    chat.on('reset', () =>
      journal.write({ type: 'stream', op: 'reset', device: this.name, reason: 'told by the client' }),
    );
    chat.on('confirmed', (message) => {
      const waiting = this.#answered(message.clientMessageId);
      const { id } = toSaid(message);
      if (waiting) journal.write({ type: 'send', op: 'ok', call: waiting.call, seq: Number(message.seq), id });
      waiting?.end(true);
    });
    chat.on('attempt', ({ clientMessageId, outcome }) => {
      const waiting = this.#waiting.get(clientMessageId);
      if (waiting && outcome === 'unknown') waiting.isInDoubt = true;
    });
    chat.on('refused', ({ clientMessageId, refusal }) => {
      const waiting = this.#answered(clientMessageId);
      // The attempt of which nothing is known may be stored, also later, by a process that was frozen with it.
      const op = waiting?.isInDoubt ? 'info' : 'fail';
      if (waiting) journal.write({ type: 'send', op, call: waiting.call, reason: String(refusal) });
      waiting?.end(false);
    });
    chat.on('status', ({ state, reason }) => this.#statusChanged(state, reason));
  }

  get userId(): string {
    return this.#chat.userId;
  }

  get isLive(): boolean {
    return this.#isOpen;
  }

  async follow(): Promise<void> {
    this.#journal.write({ type: 'stream', op: 'open', device: this.name });
    const live = Promise.withResolvers<void>();
    const timer = setTimeout(() => live.reject(new Error(`${this.name} does not become live`)), LIVE_WITHIN_MS);
    const stop = this.#chat.on('status', ({ state }) => state === 'live' && live.resolve());
    await this.#chat.start();
    await live.promise.finally(() => clearTimeout(timer));
    stop();
  }

  async send(conversation: string, key: string, text: string): Promise<boolean> {
    const call = this.#journal.nextCall();
    const from = this.#journal.now();
    const { name: device, userId: user } = this;
    const hash = hashOf(text);
    this.#journal.write({ type: 'send', op: 'invoke', call, device, user, conversation, key, hash }, from);
    const ended = Promise.withResolvers<boolean>();
    const waiting: Waiting = { call, from, isInDoubt: false, end: ended.resolve };
    this.#waiting.set(key, waiting);
    this.inFlight.add(waiting);
    await this.#chat.send(conversation, text, key);
    return ended.promise;
  }

  async type(conversation: string): Promise<void> {
    this.#chat.typed(conversation);
  }

  list(conversationId: string): Promise<Seen[]> {
    return allPages((request) => this.#chat.messages.listMessages(request), conversationId);
  }

  async close(): Promise<void> {
    await this.#chat.close();
    for (const { end } of this.#waiting.values()) end(false);
  }

  #answered(key: string) {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (waiting) this.inFlight.delete(waiting);
    return waiting;
  }

  #statusChanged(state: string, reason?: string): void {
    const { name: device } = this;
    if (state === 'live') {
      this.#isOpen = true;
      // Sockets that closed before this stream was live are no news of how it ends.
      this.#howClosed();
      this.#journal.write({ type: 'stream', op: 'live', device });
    }
    if (state === 'reconnecting') {
      if (this.#isOpen) this.streamsLost++;
      this.#isOpen = false;
      // Of its calls it tells only the end: what had left by now may have to be made again.
      const to = this.#journal.now();
      for (const { from } of this.inFlight) this.cut.push({ transport: this.transport, from, to });
      this.#journal.write({ type: 'stream', op: 'close', device, code: this.#howClosed() });
      this.#journal.write({ type: 'stream', op: 'resume', device });
    }
    if (state === 'ended') this.#journal.write({ type: 'stream', op: 'died', device, reason: reason ?? 'ended' });
  }
}
