import { failureOf } from '../net/failure.ts';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';

/** What marking positions needs from outside. */
export interface MarkPorts {
  /** Makes the call; answers the position that holds from now on. */
  mark(conversationId: string, number: bigint, signal: AbortSignal): Promise<bigint>;
  /** How long moves are gathered before they are told, in milliseconds. */
  readonly gatherMs: number;
  readonly pause: Pause;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Tells the server how far this user has got in each conversation: one call at a time, of several moves the newest alone,
 * nothing twice, and again after a failure that may pass.
 */
export class PositionMarks {
  readonly #ports: MarkPorts;
  readonly #wanted = new Map<string, bigint>();
  // What the server knows.
  readonly #held = new Map<string, bigint>();
  #running = false;

  constructor(ports: MarkPorts) {
    this.#ports = ports;
  }

  /** The position has moved up to a message's number. Positions only grow. */
  move(conversationId: string, number: bigint): void {
    if (number <= this.reached(conversationId)) return;
    this.#wanted.set(conversationId, number);
    if (!this.#running) void this.#run();
  }

  /** The server knows of this position. */
  know(conversationId: string, number: bigint): void {
    if (number > (this.#held.get(conversationId) ?? 0n)) this.#held.set(conversationId, number);
  }

  /** The log may be another one: what the server knows is asked anew. */
  forget(): void {
    this.#held.clear();
    this.#wanted.clear();
  }

  /** How far the conversation is marked, or will be. */
  reached(conversationId: string): bigint {
    const wanted = this.#wanted.get(conversationId) ?? 0n;
    const held = this.#held.get(conversationId) ?? 0n;
    return wanted > held ? wanted : held;
  }

  async #run(): Promise<void> {
    const { gatherMs, signal } = this.#ports;
    this.#running = true;
    while (this.#wanted.size > 0 && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, gatherMs));
      // Those that move meanwhile are for the next round.
      const due = [...this.#wanted.keys()];
      for (const conversationId of due) {
        if (!signal.aborted) await this.#mark(conversationId);
      }
    }
    this.#running = false;
  }

  async #mark(conversationId: string): Promise<void> {
    const ports = this.#ports;
    const { pause, signal } = ports;
    const newest = () => this.#wanted.get(conversationId) ?? 0n;
    let number = newest();
    const once = () => {
      number = newest();
      return ports.mark(conversationId, number, signal);
    };
    try {
      if (number > (this.#held.get(conversationId) ?? 0n)) {
        this.know(conversationId, await retrying(once, { pause, signal }));
      }
    } catch (thrown) {
      // Not a member any more, or another log: the same again would be refused again.
      if (!failureOf(thrown).passing) this.know(conversationId, number);
    }
    if (newest() <= number) this.#wanted.delete(conversationId);
  }
}
