import { durationMs } from '@bufbuild/protobuf/wkt';
import { type Client, Code } from '@connectrpc/connect';
import {
  type DeliveryService,
  ResetReason,
  type SubscribeResponse,
  type Transient,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { backoffMs } from '../net/backoff.ts';
import { type Failure, failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { Silence } from './silence.ts';

/** How the page hears of what others do: not yet, live, or not any more. */
export type Link = 'connecting' | 'live' | 'reconnecting';

/**
 * How a stream goes on from what the page has:
 * - `whole`: nothing is missing in between.
 * - `from_now`: it began at a moment when the page had no cursor; what happened before that moment must be asked for.
 * - `reset`: what the page has may be of another log, or far behind; all must be loaded again.
 */
export type Continuity = 'whole' | 'from_now' | 'reset';

/** What a subscription needs from outside. */
export interface SubscriptionPorts {
  readonly delivery: Client<typeof DeliveryService>;
  /** Where to begin. Empty: from now. */
  readonly cursor: Uint8Array<ArrayBuffer>;
  /** Keeps a newer cursor; an empty one is none. */
  keepCursor(cursor: Uint8Array): void;
  /** Gets another access token, since the present one was refused. */
  renewToken(): Promise<unknown>;
  event(event: ConversationEvent): void;
  transient(transient: Transient): void;
  /** Something was lost: what comes from now on, before `caughtUp` too, is beyond it. */
  passedOver(): void;
  /** What follows is live. */
  caughtUp(continuity: Continuity): void;
  /** What was said to have been lost is lost now; told before `caughtUp`. Unspecified: the server did not take the cursor. */
  reset(reason: ResetReason): void;
  linkChanged(link: Link): void;
  /** Cuts waiting short when there is reason to try again now. */
  readonly pause: Pause;
}

const STEADY_MS = 10_000;

/** Keeps one Subscribe running for as long as the user is logged in, over lost sockets and restarts of the server. */
export class Subscription {
  readonly #ports: SubscriptionPorts;
  readonly #stopped = new AbortController();
  #cursor: Uint8Array<ArrayBuffer>;
  // Until `caughtUp` was told of it: a stream that is lost before that changes nothing.
  #continuity: Continuity;
  #resetReason: ResetReason = ResetReason.UNSPECIFIED;
  #link: Link = 'connecting';
  #silence: Silence | undefined;

  constructor(ports: SubscriptionPorts) {
    this.#ports = ports;
    this.#cursor = ports.cursor;
    this.#continuity = ports.cursor.length > 0 ? 'whole' : 'from_now';
  }

  get link(): Link {
    return this.#link;
  }

  /** Runs until it is stopped. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      const begin = performance.now();
      const failure = await this.#subscribe();
      if (this.#stopped.signal.aborted) return;
      const steady = performance.now() - begin > STEADY_MS;
      // A stream ends with the token that opened it, which is no fault: there is another one, and nobody need notice.
      if (steady && failure?.code === Code.Unauthenticated && (await this.#renewed())) continue;
      this.#setLink(this.#link === 'connecting' ? 'connecting' : 'reconnecting');
      failures = steady ? 1 : failures + 1;
      if (failure?.reason === 'CURSOR_INVALID') this.#loseCursor();
      // The session reports by itself when it cannot be renewed for good.
      if (failure?.code === Code.Unauthenticated) await this.#renewed();
      await this.#ports.pause.wait(backoffMs(failures, failure?.retryAfterMs), this.#stopped.signal);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Looks by the wall clock whether the stream is silent for too long: timers stand still while a machine sleeps. */
  check(): void {
    this.#silence?.check();
  }

  async #renewed(): Promise<boolean> {
    try {
      await this.#ports.renewToken();
      return true;
    } catch {
      return false;
    }
  }

  /** One stream, to its end. Undefined when the server ended it without an error. */
  async #subscribe(): Promise<Failure | undefined> {
    const silence = new Silence();
    this.#silence = silence;
    const signal = AbortSignal.any([this.#stopped.signal, silence.signal]);
    try {
      for await (const response of this.#ports.delivery.subscribe({ cursor: this.#cursor }, { signal })) {
        silence.broken(intervalOf(response));
        this.#take(response);
      }
      return undefined;
    } catch (thrown) {
      return failureOf(thrown);
    } finally {
      silence.stop();
    }
  }

  #take({ frame }: SubscribeResponse): void {
    switch (frame.case) {
      case 'event':
        return this.#ports.event(frame.value);
      case 'transient':
        return this.#ports.transient(frame.value);
      case 'caughtUp':
        this.#keep(frame.value.cursor);
        this.#setLink('live');
        if (this.#continuity === 'reset') this.#ports.reset(this.#resetReason);
        this.#ports.caughtUp(this.#continuity);
        this.#continuity = 'whole';
        return;
      case 'checkpoint':
        return this.#keep(frame.value.cursor);
      case 'reset':
        // A slow consumer's stream ends here and goes on at its newest cursor, so that nothing is missing.
        if (frame.value.reason !== ResetReason.SLOW_CONSUMER) this.#lost(frame.value.reason);
        return;
      default:
    }
  }

  #keep(cursor: Uint8Array): void {
    this.#cursor = new Uint8Array(cursor);
    this.#ports.keepCursor(cursor);
  }

  #loseCursor(): void {
    // In this order: what was kept is better than nothing until it is known what was passed over.
    this.#lost(ResetReason.UNSPECIFIED);
    this.#keep(new Uint8Array());
  }

  #lost(reason: ResetReason): void {
    this.#continuity = 'reset';
    this.#resetReason = reason;
    this.#ports.passedOver();
  }

  #setLink(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#ports.linkChanged(link);
  }
}

function intervalOf({ frame }: SubscribeResponse): number | undefined {
  return frame.case === 'heartbeat' && frame.value.interval ? durationMs(frame.value.interval) : undefined;
}
