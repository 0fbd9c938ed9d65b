import { setTimeout as delay } from 'node:timers/promises';
import { ResetReason, type SubscribeResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import type { CallFailure } from '../../e2e/clients/caller.ts';
import type { Subscription } from '../../e2e/clients/subscription.ts';
import type { User } from '../../e2e/clients/user.ts';
import type { Journal } from '../history/journal.ts';
import type { Seen } from '../history/line.ts';
import { allConversations, allPages } from './all-pages.ts';
import { toSeen } from './said.ts';
import { isExpired, type UserCalls } from './user-calls.ts';

/** How a stream ended that nobody had stopped. Times are of one monotonic clock, in milliseconds. */
export interface StreamEnd {
  at: number;
  failure: CallFailure | undefined;
  /** When the next one was live. */
  liveAgainAt?: number;
}

/** How long to wait before another stream after so many failures in a row, from 1, in milliseconds. */
export type Patience = (failures: number) => number;

const MAX_BACKOFF_MS = 1_000;
const FIRST_BACKOFF_MS = 50;

/** A second at most. */
export const impatient: Patience = (failures) =>
  Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);

/** The stream of a bare device: it is opened again by its cursor over any number of breaks, and what a reset says is missing is listed. */
export class BareStream {
  /** How its live streams ended. */
  readonly ends: StreamEnd[] = [];
  isLive = false;
  streamsLost = 0;
  readonly #journal: Journal;
  readonly #device: string;
  readonly #follower: User;
  readonly #calls: UserCalls;
  readonly #backoffMs: Patience;
  readonly #lastSeq = new Map<string, number>();
  readonly #numbers = new Map<string, number>();
  #stream: Subscription | undefined;
  #following: Promise<void> | undefined;
  #stopping = false;
  #cursor: Uint8Array = new Uint8Array();
  /** What a stream that began with a reset has pushed, while what was missed is listed. */
  #held: Seen[] | undefined;

  /** The calls are those of the same user, who may make them by another transport. */
  constructor(journal: Journal, device: string, follower: User, calls: UserCalls, backoffMs: Patience) {
    this.#journal = journal;
    this.#device = device;
    this.#follower = follower;
    this.#calls = calls;
    this.#backoffMs = backoffMs;
  }

  get cursor(): Uint8Array {
    return this.#cursor;
  }

  /** The conversations of which it was shown a message, with the newest number. */
  get numbers(): ReadonlyMap<string, number> {
    return this.#numbers;
  }

  /** Opens it, from now, and keeps it open. Resolves when it is live. */
  async follow(): Promise<void> {
    this.#journal.write({ type: 'stream', op: 'open', device: this.#device });
    await this.#open();
    this.#following = this.#keepOpen();
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await this.#stream?.stop();
    await this.#following;
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
      const code = failure ? howEnded(failure) : 'OK';
      this.#journal.write({ type: 'stream', op: 'close', device: this.#device, code });
      if (isExpired(failure)) await this.#calls.renew().catch(() => {});
      else if (failure && !failure.worthRepeating) {
        this.#journal.write({ type: 'stream', op: 'died', device: this.#device, reason: failure.message });
        return;
      }
      await delay((failure?.retryAfterMs ?? 0) + this.#backoffMs(failures));
      failures = (await this.#reopen()) ? 1 : failures + 1;
    }
  }

  /** Whether the stream is live again. If not, its end says why. */
  async #reopen(): Promise<boolean> {
    this.#journal.write({ type: 'stream', op: 'resume', device: this.#device });
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
    this.#journal.write({ type: 'stream', op: 'live', device: this.#device });
  }

  #frame({ frame }: SubscribeResponse): void {
    if (frame.case === 'checkpoint' || frame.case === 'caughtUp') {
      this.#cursor = frame.value.cursor;
      this.#journal.write({ type: 'stream', op: 'checkpoint', device: this.#device });
    }
    if (frame.case === 'reset') {
      this.#journal.write({ type: 'stream', op: 'reset', device: this.#device, reason: nameOf(frame.value.reason) });
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
    const present = await allConversations((request) => this.#calls.call(listConversations, request));
    const left = await allConversations((request) => this.#calls.call(listLeftConversations, request));
    const listed = [...present, ...left].map(({ conversationId }) => conversationId);
    for (const conversation of new Set([...this.#lastSeq.keys(), ...listed])) {
      const after = this.#lastSeq.get(conversation) ?? 0;
      for (const event of await listAll(this.#calls, conversation, after)) this.#show(event, 'backfill');
    }
    this.#held = undefined;
    for (const event of held) this.#show(event, 'live');
  }

  #show(event: Seen, how: 'live' | 'backfill'): void {
    const { conversation, seq, message } = event;
    this.#journal.write({ type: 'deliver', device: this.#device, how, ...event });
    this.#lastSeq.set(conversation, Math.max(seq, this.#lastSeq.get(conversation) ?? 0));
    if (message) this.#numbers.set(conversation, Math.max(message.number, this.#numbers.get(conversation) ?? 0));
  }

  /** What has no seq: it is told now or never. */
  #told(conversation: string, transient = 'what is not known'): void {
    if (conversation === '') return;
    const told = { conversation, seq: 0, transient };
    this.#journal.write({ type: 'deliver', device: this.#device, how: 'live', ...told });
  }
}

/** The conversation after a seq, as the user may read it. Rejects when they may not. */
export function listAll(calls: UserCalls, conversationId: string, afterSeq = 0): Promise<Seen[]> {
  return allPages((request) => calls.call(MessageService.method.listMessages, request), conversationId, afterSeq);
}

/** With what a client is told to go by: the code, the reason, and whether it says when to come again. */
function howEnded({ code, reason, retryAfterMs }: CallFailure): string {
  return [code, reason, retryAfterMs !== undefined && 'RetryInfo'].filter(Boolean).join(' ');
}

function nameOf(reason: ResetReason): string {
  return Object.entries(ResetReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
