import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import {
  type Presence,
  PresenceState,
  type WatchPresenceResponse,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { backoffMs } from '../net/backoff.ts';
import { type Failure, failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { Silence } from './silence.ts';

/** What watching presence needs from outside. */
export interface PresencePorts {
  watch(userIds: string[], signal: AbortSignal): AsyncIterable<WatchPresenceResponse>;
  /** Gets another access token, since the present one was refused. */
  renewToken(): Promise<unknown>;
  /** Something else is known of a user than before. */
  changed(userId: string): void;
  readonly pause: Pause;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const MOST_USERS = 100;
const STEADY_MS = 10_000;

/** Who is online: one stream, over lost sockets and restarts of the server, begun again when others are to be watched. */
export class PresenceWatch {
  readonly #ports: PresencePorts;
  #users: readonly string[] = [];
  readonly #known = new Map<string, Presence>();
  #stream = new AbortController();
  #silence: Silence | undefined;
  #running = false;

  constructor(ports: PresencePorts) {
    this.#ports = ports;
  }

  /** What is known of a user; undefined when nothing is, as while the stream is lost. */
  of(userId: string): Presence | undefined {
    return this.#known.get(userId);
  }

  /** Watches these users, the first 100, besides the other sides of direct conversations. */
  watch(userIds: readonly string[]): void {
    const users = [...new Set(userIds)].slice(0, MOST_USERS);
    const isSame = users.length === this.#users.length && users.every((userId) => this.#users.includes(userId));
    if (this.#running && isSame) return;
    this.#users = users;
    // The next stream tells of all again.
    this.#stream.abort();
    if (!this.#running) void this.#run();
  }

  /** Looks by the wall clock whether the stream is silent for too long. */
  check(): void {
    this.#silence?.check();
  }

  async #run(): Promise<void> {
    const { pause, signal } = this.#ports;
    this.#running = true;
    let failures = 0;
    while (!signal.aborted) {
      const begin = performance.now();
      this.#stream = new AbortController();
      const failure = await this.#watchOnce();
      if (signal.aborted) return;
      if (this.#stream.signal.aborted) continue;
      const steady = performance.now() - begin > STEADY_MS;
      failures = steady ? 1 : failures + 1;
      // The session reports by itself when it cannot be renewed for good.
      if (failure?.code === Code.Unauthenticated) await this.#ports.renewToken().catch(() => {});
      // A stream ends with the token that opened it, which is no fault.
      if (steady && failure?.code === Code.Unauthenticated) continue;
      this.#forget(new Set(this.#known.keys()));
      await pause.wait(backoffMs(failures, failure?.retryAfterMs), signal);
    }
  }

  /** One stream, to its end. Undefined when it ended without an error. */
  async #watchOnce(): Promise<Failure | undefined> {
    const silence = new Silence();
    this.#silence = silence;
    const signal = AbortSignal.any([this.#ports.signal, this.#stream.signal, silence.signal]);
    const unheard = new Set(this.#known.keys());
    try {
      for await (const { frame } of this.#ports.watch([...this.#users], signal)) {
        silence.broken(
          frame.case === 'heartbeat' && frame.value.interval ? durationMs(frame.value.interval) : undefined,
        );
        if (frame.case === 'presence') {
          unheard.delete(frame.value.userId);
          this.#take(frame.value);
        }
        // By now each who is watched was told of.
        if (frame.case === 'heartbeat') this.#forget(unheard);
      }
      return undefined;
    } catch (thrown) {
      return failureOf(thrown);
    } finally {
      silence.stop();
    }
  }

  #take(presence: Presence): void {
    if (presence.state === PresenceState.UNSPECIFIED) this.#known.delete(presence.userId);
    else this.#known.set(presence.userId, presence);
    this.#ports.changed(presence.userId);
  }

  /** What was known may have changed while nobody told. */
  #forget(userIds: Set<string>): void {
    for (const userId of userIds) if (this.#known.delete(userId)) this.#ports.changed(userId);
    userIds.clear();
  }
}
