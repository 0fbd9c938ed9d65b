import { setTimeout as delay } from 'node:timers/promises';
import { ResetReason, type SubscribeResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Device, Observation, Seen, Send } from '../checker/history.ts';
import { CallFailure } from '../clients/caller.ts';
import { type ChatMessage, toChatMessage } from '../clients/chat-message.ts';
import type { Subscription } from '../clients/subscription.ts';
import type { User } from '../clients/user.ts';

/** One call of a send, from its start to its end, and whether it was answered. */
export interface Attempt {
  device: string;
  transport: string;
  from: number;
  to: number;
  answered: boolean;
}

const MAX_BACKOFF_MS = 500;

/**
 * One device of a user under load: it sends each message until it is acked, always under the same key, follows its stream
 * over any number of breaks by its cursor, and writes down what it did and saw.
 */
export class LoadDevice {
  readonly history: Device;
  readonly attempts: Attempt[] = [];
  /** How often its stream became live. */
  streamsOpened = 0;
  /** The calls of sends that are not answered yet, with when they left. */
  readonly inFlight = new Set<{ from: number }>();
  readonly #sender: User;
  readonly #follower: User;
  readonly #lastSeq = new Map<string, number>();
  #stream: Subscription | undefined;
  #following: Promise<void> | undefined;
  #stopping = false;
  #cursor: Uint8Array = new Uint8Array();
  /** What a stream that began with a reset has pushed, while what was missed is listed. */
  #held: Observation[] | undefined;
  readonly #shown = new Set<string>();

  /** A sender whose caller has no streams is accompanied by a follower: the same session by another caller. */
  constructor(sender: User, follower: User = sender) {
    this.#sender = sender;
    this.#follower = follower;
    this.history = { device: `${sender.name} ${sender.username}`, user: sender.userId, observations: [] };
  }

  get transport(): string {
    return this.#sender.name;
  }

  get userId(): string {
    return this.#sender.userId;
  }

  /** Sends one message, as often as it takes. `repeat` sends it twice, at the same time or one after the other. */
  async send(conversation: string, key: string, text: string, repeat: 'no' | 'parallel' | 'later'): Promise<Send> {
    const { device, user } = this.history;
    const send: Send = { user, device, conversation, key, text, invokedAt: performance.now(), answers: [] };
    if (repeat === 'parallel') await Promise.all([this.#untilAcked(send), this.#untilAcked(send)]);
    else await this.#untilAcked(send);
    if (repeat === 'later') await this.#untilAcked(send);
    return send;
  }

  /** Opens the stream, from now, and keeps it open. Resolves when it is live for the first time. */
  async follow(): Promise<void> {
    await this.#open();
    this.#following = this.#keepOpen();
  }

  /** How many messages it has been shown. */
  get countShown(): number {
    return this.#shown.size;
  }

  /** The whole conversation, as its member may read it. */
  list(conversation: string): Promise<ChatMessage[]> {
    return this.#sender.list(conversation);
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#stream?.stop();
    await this.#following;
    await Promise.all([this.#sender.close(), this.#follower.close()]);
  }

  async #untilAcked(send: Send): Promise<void> {
    for (let backoff = 20; ; backoff = Math.min(backoff * 2, MAX_BACKOFF_MS)) {
      const call = { from: performance.now() };
      this.inFlight.add(call);
      try {
        const { seq, messageId } = await this.#sender.send(send.conversation, send.text, send.key);
        this.#attempted(call.from, true);
        send.answers.push({ kind: 'ok', at: performance.now(), seq, messageId });
        return;
      } catch (error) {
        this.#attempted(call.from, false);
        if (!(error instanceof CallFailure)) throw error;
        const kind = error.worthRepeating ? 'unknown' : 'refused';
        send.answers.push({ kind, at: performance.now(), reason: error.message });
        if (kind === 'refused') throw error;
      } finally {
        this.inFlight.delete(call);
      }
      await delay(backoff * (0.5 + Math.random() / 2));
    }
  }

  #attempted(from: number, answered: boolean): void {
    const { device } = this.history;
    this.attempts.push({ device, transport: this.transport, from, to: performance.now(), answered });
  }

  async #keepOpen(): Promise<void> {
    let backoff = 50;
    while (!this.#stopping) {
      const failure = await this.#stream?.ended;
      if (this.#stopping) return;
      if (failure && !failure.worthRepeating) throw failure;
      await delay(backoff * (0.5 + Math.random() / 2));
      backoff = (await this.#reopen()) ? 50 : Math.min(backoff * 2, MAX_BACKOFF_MS);
    }
  }

  /** Whether the stream is live again. If not, its end says why. */
  async #reopen(): Promise<boolean> {
    try {
      await this.#open();
      return true;
    } catch {
      return false;
    }
  }

  async #open(): Promise<void> {
    this.#held = undefined;
    this.#stream = this.#follower.openStream(this.#cursor, (frame) => this.#frame(frame));
    await this.#stream.caughtUp;
    this.streamsOpened++;
    if (this.#held) await this.#listMissed(this.#held);
  }

  #frame({ frame }: SubscribeResponse): void {
    const at = performance.now();
    if (frame.case === 'checkpoint' || frame.case === 'caughtUp') this.#cursor = frame.value.cursor;
    if (frame.case === 'reset') {
      this.history.observations.push({ kind: 'reset', at, reason: String(frame.value.reason) });
      // After one for slowness the cursor is good: the next stream replays what this one dropped.
      if (frame.value.reason !== ResetReason.SLOW_CONSUMER) this.#held = [];
    }
    if (frame.case !== 'event') return;
    const { conversationId: conversation, seq, change } = frame.value;
    const event: Seen = { conversation, seq: Number(seq) };
    if (change.case === 'messageSent') event.message = toSaid(toChatMessage(change.value.message));
    const observation: Observation = { kind: 'push', at, event };
    if (this.#held) this.#held.push(observation);
    else this.#show(observation);
  }

  /** Closes the hole that a reset left, before what came after it is shown. */
  async #listMissed(held: Observation[]): Promise<void> {
    for (const [conversation, seq] of this.#lastSeq) {
      for (const message of await this.#follower.list(conversation, seq)) {
        const event = { conversation, seq: message.seq, message: toSaid(message) };
        this.#show({ kind: 'list', at: performance.now(), event });
      }
    }
    this.#held = undefined;
    for (const observation of held) this.#show(observation);
  }

  #show(observation: Observation): void {
    this.history.observations.push(observation);
    if (observation.kind === 'reset') return;
    const { conversation, seq, message } = observation.event;
    this.#lastSeq.set(conversation, Math.max(seq, this.#lastSeq.get(conversation) ?? 0));
    if (message) this.#shown.add(message.messageId);
  }
}

/** A message as a history has it. */
export function toSaid({
  messageId,
  number,
  senderId,
  clientMessageId,
  text,
}: ChatMessage): NonNullable<Seen['message']> {
  return { messageId, number, sender: senderId, key: clientMessageId, text };
}
