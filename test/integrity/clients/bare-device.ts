import { setTimeout as delay } from 'node:timers/promises';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import {
  DeliveryService,
  ResetReason,
  type SubscribeResponse,
  type WatchPresenceResponse,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { CallFailure } from '../../e2e/clients/caller.ts';
import type { Subscription } from '../../e2e/clients/subscription.ts';
import type { User } from '../../e2e/clients/user.ts';
import { hashOf, type Journal } from '../history/journal.ts';
import type { Seen } from '../history/line.ts';
import { allConversations, allPages } from './all-pages.ts';
import type { Attempt, Device, Repeat } from './device.ts';
import type { Watcher } from './presence-watch.ts';
import { toSeen } from './said.ts';

/** How a stream ended that nobody had stopped. Times are of one monotonic clock, in milliseconds. */
export interface StreamEnd {
  at: number;
  failure: CallFailure | undefined;
  /** When the next one was live. */
  liveAgainAt?: number;
}

export interface BareDeviceOptions {
  /** Tells apart the devices of one user. */
  label?: string;
  /** How long to wait before another stream after so many failures in a row, from 1. Default: a second at most. */
  backoffMs?: (failures: number) => number;
}

const MAX_BACKOFF_MS = 1_000;
const FIRST_BACKOFF_MS = 50;

/**
 * A client with nothing but the contract: it sends each message until it is acked, always under the same key, follows its
 * stream over any number of breaks by its cursor, and asks for what a reset says is missing.
 */
export class BareDevice implements Device, Watcher {
  readonly name: string;
  readonly transport: string;
  readonly cut: Attempt[] = [];
  readonly inFlight = new Set<{ from: number }>();
  /** How its live streams ended. */
  readonly ends: StreamEnd[] = [];
  isLive = false;
  streamsLost = 0;
  readonly #backoffMs: (failures: number) => number;
  readonly #journal: Journal;
  readonly #sender: User;
  readonly #follower: User;
  readonly #lastSeq = new Map<string, number>();
  readonly #numbers = new Map<string, number>();
  #stream: Subscription | undefined;
  #following: Promise<void> | undefined;
  #stopping = false;
  #cursor: Uint8Array = new Uint8Array();
  /** What a stream that began with a reset has pushed, while what was missed is listed. */
  #held: Seen[] | undefined;

  /** A sender whose caller has no streams is accompanied by a follower: the same session by another caller. */
  constructor(
    journal: Journal,
    sender: User,
    follower: User = sender,
    { label = '', backoffMs = impatient }: BareDeviceOptions = {},
  ) {
    this.#backoffMs = backoffMs;
    this.#journal = journal;
    this.#sender = sender;
    this.#follower = follower;
    this.transport = sender.name;
    this.name = `${sender.name} ${sender.username}${label}`;
    const client = { type: 'client', device: this.name, user: this.userId, transport: this.transport } as const;
    journal.write({ ...client, sees: 'events' });
  }

  get userId(): string {
    return this.#sender.userId;
  }

  /** The conversations of which it was shown a message, with the newest number. */
  get numbers(): ReadonlyMap<string, number> {
    return this.#numbers;
  }

  async follow(): Promise<void> {
    this.#journal.write({ type: 'stream', op: 'open', device: this.name });
    await this.#open();
    this.#following = this.#keepOpen();
  }

  async send(conversation: string, key: string, text: string, repeat: Repeat): Promise<boolean> {
    if (repeat === 'parallel') {
      const both = await Promise.all([
        this.#untilAnswered(conversation, key, text),
        this.#untilAnswered(conversation, key, text),
      ]);
      return both.every(Boolean);
    }
    const taken = await this.#untilAnswered(conversation, key, text);
    return repeat === 'later' ? this.#untilAnswered(conversation, key, text) : taken;
  }

  list(conversationId: string, afterSeq = 0): Promise<Seen[]> {
    return allPages((request) => this.call(MessageService.method.listMessages, request), conversationId, afterSeq);
  }

  /** Tells that all that was shown of a conversation was read. */
  async markRead(conversationId: string): Promise<void> {
    const number = this.#numbers.get(conversationId);
    if (number === undefined) return;
    const { readNumber } = await this.call(MessageService.method.markRead, { conversationId, number: BigInt(number) });
    this.#readPosition('acked', conversationId, Number(readNumber));
  }

  /** Tells the other members that it types. */
  async type(conversationId: string): Promise<void> {
    await this.call(DeliveryService.method.setTyping, { conversationId, active: true });
  }

  /** Asks up to where the conversation was read. */
  async findRead(conversationId: string): Promise<void> {
    const { conversation } = await this.call(ConversationService.method.getConversation, { conversationId });
    this.#readPosition('found', conversationId, Number(conversation?.readNumber ?? 0));
  }

  /** Asks to resume with cursors that are not this device's, and a second time with its own. Answers how each ended. */
  async tryCursors(other: BareDevice): Promise<string[]> {
    const own = this.#cursor;
    const cursors: [string, Uint8Array][] = [
      ['a foreign cursor', other.#cursor],
      ['half a cursor', own.slice(0, own.length / 2)],
      ['a cursor of noise', Uint8Array.from(own, (byte, i) => (byte + i * 7) % 256)],
      ['its own again', own],
    ];
    return Promise.all(
      cursors.map(async ([name, cursor]) => {
        const stream = this.#follower.openStream(cursor);
        const outcome = await stream.caughtUp.then(
          () => 'was taken',
          (failure: unknown) =>
            `was refused (${failure instanceof CallFailure ? (failure.reason ?? failure.code) : 'for nothing'})`,
        );
        await stream.stop();
        return `${name} ${outcome}`;
      }),
    );
  }

  /** A call with the user's token, which is renewed when it is refused for its age. Rejects with a CallFailure. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    try {
      return await this.#sender.call(method, request);
    } catch (error) {
      if (!isExpired(error)) throw error;
      await this.renew();
      return this.#sender.call(method, request);
    }
  }

  watchPresence(userIds: string[], signal: AbortSignal): AsyncIterable<WatchPresenceResponse> {
    const { caller, accessToken: token } = this.#follower;
    return caller.stream(DeliveryService.method.watchPresence, { userIds }, { token, signal });
  }

  /** Trades the refresh token for the next tokens. */
  async renew(): Promise<void> {
    await this.#sender.refresh();
    if (this.#follower !== this.#sender) this.#follower.join(this.#sender);
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#stream?.stop();
    await this.#following;
    await Promise.all([this.#sender.close(), this.#follower.close()]);
  }

  async #untilAnswered(conversation: string, key: string, text: string): Promise<boolean> {
    const { name: device, userId: user } = this;
    const hash = hashOf(text);
    for (let backoff = 20; ; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      const call = this.#journal.nextCall();
      const open = { from: this.#journal.now() };
      this.#journal.write({ type: 'send', op: 'invoke', call, device, user, conversation, key, hash }, open.from);
      this.inFlight.add(open);
      try {
        const { seq, messageId: id } = await this.#sender.send(conversation, text, key);
        this.#journal.write({ type: 'send', op: 'ok', call, seq, id });
        return true;
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        const { message: reason } = error;
        const again = error.worthRepeating || isExpired(error);
        this.#journal.write({ type: 'send', op: again ? 'info' : 'fail', call, reason });
        if (!again) return false;
        this.cut.push({ transport: this.transport, from: open.from, to: this.#journal.now() });
        if (isExpired(error)) await this.renew().catch(() => {});
      } finally {
        this.inFlight.delete(open);
      }
      if (this.#stopping) throw new Error(`${device} was closed before ${key} was answered`);
      await delay(backoff * (0.5 + Math.random() / 2));
    }
  }

  async #keepOpen(): Promise<void> {
    let failures = 1;
    while (!this.#stopping) {
      const failure = await this.#stream?.ended;
      // Until the run ended it, the device was connected.
      if (this.#stopping) return;
      if (this.isLive) this.ends.push({ at: performance.now(), failure });
      this.isLive = false;
      this.streamsLost++;
      const code = failure ? [failure.code, failure.reason].filter(Boolean).join(' ') : 'OK';
      this.#journal.write({ type: 'stream', op: 'close', device: this.name, code });
      if (isExpired(failure)) await this.renew().catch(() => {});
      else if (failure && !failure.worthRepeating) {
        this.#journal.write({ type: 'stream', op: 'died', device: this.name, reason: failure.message });
        return;
      }
      await delay((failure?.retryAfterMs ?? 0) + this.#backoffMs(failures));
      failures = (await this.#reopen()) ? 1 : failures + 1;
    }
  }

  /** Whether the stream is live again. If not, its end says why. */
  async #reopen(): Promise<boolean> {
    this.#journal.write({ type: 'stream', op: 'resume', device: this.name });
    const cursor = this.#cursor;
    try {
      await this.#open();
      return true;
    } catch {
      // It may be live, and only what was missed could not be listed.
      await this.#stream?.stop();
      // What is behind this cursor is still missing: the next stream is to be reset as well.
      if (this.#held) this.#cursor = cursor;
      return false;
    }
  }

  async #open(): Promise<void> {
    this.#held = undefined;
    this.#stream = this.#follower.openStream(this.#cursor, (frame) => this.#frame(frame));
    await this.#stream.caughtUp;
    if (this.#held) await this.#listMissed(this.#held);
    this.isLive = true;
    const last = this.ends.at(-1);
    if (last) last.liveAgainAt ??= performance.now();
    this.#journal.write({ type: 'stream', op: 'live', device: this.name });
  }

  #frame({ frame }: SubscribeResponse): void {
    if (frame.case === 'checkpoint' || frame.case === 'caughtUp') {
      this.#cursor = frame.value.cursor;
      this.#journal.write({ type: 'stream', op: 'checkpoint', device: this.name });
    }
    if (frame.case === 'reset') {
      this.#journal.write({ type: 'stream', op: 'reset', device: this.name, reason: nameOf(frame.value.reason) });
      // After one for slowness the cursor is good: the next stream replays what this one dropped.
      if (frame.value.reason !== ResetReason.SLOW_CONSUMER) this.#held = [];
    }
    if (frame.case === 'transient') this.#told(frame.value.conversationId, frame.value.kind.case);
    if (frame.case !== 'event') return;
    if (frame.value.seq === 0n) return this.#told(frame.value.conversationId, frame.value.change.case);
    const event = toSeen(frame.value);
    if (this.#held) this.#held.push(event);
    else this.#show(event, 'live');
  }

  /** Closes the hole that a reset left, before what came after it is shown. */
  async #listMissed(held: Seen[]): Promise<void> {
    const { listConversations, listLeftConversations } = ConversationService.method;
    const present = await allConversations((request) => this.call(listConversations, request));
    const left = await allConversations((request) => this.call(listLeftConversations, request));
    const listed = [...present, ...left].map(({ conversationId }) => conversationId);
    for (const conversation of new Set([...this.#lastSeq.keys(), ...listed])) {
      const after = this.#lastSeq.get(conversation) ?? 0;
      for (const event of await this.list(conversation, after)) this.#show(event, 'backfill');
    }
    this.#held = undefined;
    for (const event of held) this.#show(event, 'live');
  }

  #show(event: Seen, how: 'live' | 'backfill'): void {
    const { conversation, seq, message } = event;
    this.#journal.write({ type: 'deliver', device: this.name, how, ...event });
    this.#lastSeq.set(conversation, Math.max(seq, this.#lastSeq.get(conversation) ?? 0));
    if (message) this.#numbers.set(conversation, Math.max(message.number, this.#numbers.get(conversation) ?? 0));
  }

  /** What has no seq: it is told now or never. */
  #told(conversation: string, transient = 'what is not known'): void {
    if (conversation === '') return;
    const told = { conversation, seq: 0, transient };
    this.#journal.write({ type: 'deliver', device: this.name, how: 'live', ...told });
  }

  #readPosition(op: 'acked' | 'found', conversation: string, number: number): void {
    this.#journal.write({ type: 'read-position', op, user: this.userId, conversation, number });
  }
}

function impatient(failures: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
}

/** The access token has run out; its session may live. */
function isExpired(error: unknown): boolean {
  return error instanceof CallFailure && error.code === 'UNAUTHENTICATED';
}

function nameOf(reason: ResetReason): string {
  return Object.entries(ResetReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
