import { setTimeout as delay } from 'node:timers/promises';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { DeliveryService, type WatchPresenceResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { CallFailure } from '../../e2e/clients/caller.ts';
import type { User } from '../../e2e/clients/user.ts';
import { hashOf, type Journal } from '../history/journal.ts';
import type { Seen } from '../history/line.ts';
import { BareStream, impatient, listAll, type Patience, type StreamEnd } from './bare-stream.ts';
import type { Attempt, Device, Repeat } from './device.ts';
import type { Watcher } from './presence-watch.ts';
import { isExpired, UserCalls } from './user-calls.ts';

export interface BareDeviceOptions {
  /** Tells apart the devices of one user. */
  label?: string;
  /** Default: a second at most. */
  backoffMs?: Patience;
}

const MAX_BACKOFF_MS = 1_000;

/**
 * A client with nothing but the contract: it sends each message until it is acked, always under the same key, follows its
 * stream over any number of breaks by its cursor, and asks for what a reset says is missing.
 */
export class BareDevice implements Device, Watcher {
  readonly name: string;
  readonly transport: string;
  readonly cut: Attempt[] = [];
  readonly inFlight = new Set<{ from: number }>();
  readonly #journal: Journal;
  readonly #sender: User;
  readonly #follower: User;
  readonly #calls: UserCalls;
  readonly #stream: BareStream;
  #stopping = false;

  /** A sender whose caller has no streams is accompanied by a follower: the same session by another caller. */
  constructor(
    journal: Journal,
    sender: User,
    follower: User = sender,
    { label = '', backoffMs = impatient }: BareDeviceOptions = {},
  ) {
    this.#journal = journal;
    this.#sender = sender;
    this.#follower = follower;
    this.transport = sender.name;
    this.name = `${sender.name} ${sender.username}${label}`;
    const client = { type: 'client', device: this.name, user: this.userId, transport: this.transport } as const;
    journal.write({ ...client, sees: 'events' });
    this.#calls = new UserCalls(sender, () => {
      if (follower !== sender) follower.join(sender);
    });
    this.#stream = new BareStream(journal, this.name, follower, this.#calls, backoffMs);
  }

  get userId(): string {
    return this.#sender.userId;
  }

  /** How its live streams ended. */
  get ends(): readonly StreamEnd[] {
    return this.#stream.ends;
  }

  get isLive(): boolean {
    return this.#stream.isLive;
  }

  get streamsLost(): number {
    return this.#stream.streamsLost;
  }

  /** The conversations of which it was shown a message, with the newest number. */
  get numbers(): ReadonlyMap<string, number> {
    return this.#stream.numbers;
  }

  follow(): Promise<void> {
    return this.#stream.follow();
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

  list(conversationId: string): Promise<Seen[]> {
    return listAll(this.#calls, conversationId);
  }

  /** Tells that all that was shown of a conversation was read. */
  async markRead(conversationId: string): Promise<void> {
    const number = this.numbers.get(conversationId);
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
    const own = this.#stream.cursor;
    const cursors: [string, Uint8Array][] = [
      ['a foreign cursor', other.#stream.cursor],
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
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#calls.call(method, request);
  }

  watchPresence(userIds: string[], signal: AbortSignal): AsyncIterable<WatchPresenceResponse> {
    const { caller, accessToken: token } = this.#follower;
    return caller.stream(DeliveryService.method.watchPresence, { userIds }, { token, signal });
  }

  /** Trades the refresh token for the next tokens. */
  renew(): Promise<void> {
    return this.#calls.renew();
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#stream.close();
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

  #readPosition(op: 'acked' | 'found', conversation: string, number: number): void {
    this.#journal.write({ type: 'read-position', op, user: this.userId, conversation, number });
  }
}
