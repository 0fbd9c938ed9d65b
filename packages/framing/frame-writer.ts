import { create, toBinary } from '@bufbuild/protobuf';
import { CreditSchema, PongSchema } from '@realchat/gen/realchat/transport/v1/frames';
import type { Channel, Schedule } from './channel.ts';
import { encodedSize, encodeFrames } from './encode.ts';
import { Fifo } from './fifo.ts';
import { Kind, type WireFrame } from './frame.ts';
import { FULL_FRAMES_BYTES } from './limits.ts';
import type { ReceiveSide } from './receive-side.ts';
import type { SendSide } from './send-side.ts';

/**
 * Gathers what a session has to say and writes it once per turn of the event loop: frames of the session first, then one
 * frame of each call in turn, so that no call waits for a large message of another.
 *
 * What it holds is bounded: one pong, one credit for each call, and what the calls' own queues hold.
 */
export class FrameWriter {
  readonly #channel: Channel;
  readonly #schedule: Schedule;
  /** Called for each frame that leaves a call's own queue. */
  readonly #left: (frame: WireFrame) => void;
  readonly #urgent = new Fifo<WireFrame>();
  readonly #ready = new Fifo<SendSide>();
  readonly #isReady = new Set<SendSide>();
  readonly #credits = new Map<number, ReceiveSide>();
  #pong: bigint | undefined;
  #writable = true;
  #scheduled = false;
  #closed = false;

  constructor(channel: Channel, schedule: Schedule, left: (frame: WireFrame) => void) {
    this.#channel = channel;
    this.#schedule = schedule;
    this.#left = left;
  }

  /** Sends a frame before those that wait in the queues of calls. */
  urgent(frame: WireFrame): void {
    this.#urgent.push(frame);
    this.#wake();
  }

  /** Answers a ping. An answer that has not left is replaced, so that a flood of pings costs nothing. */
  pong(nonce: bigint): void {
    this.#pong = nonce;
    this.#wake();
  }

  /** Sends the credit that a call has due. */
  credit(call: number, side: ReceiveSide): void {
    this.#credits.set(call, side);
    this.#wake();
  }

  /** Sends what a call has queued, as far as its credit allows. */
  ready(side: SendSide): void {
    if (this.#isReady.has(side) || !side.sendable) return;
    this.#isReady.add(side);
    this.#ready.push(side);
    this.#wake();
  }

  /** The channel takes more. */
  writable(): void {
    this.#writable = true;
    this.flush();
  }

  /** Writes what waits, without waiting for the end of the turn. */
  flush(): void {
    while (this.#writable && !this.#closed) {
      const frames = this.#gather();
      if (frames.length === 0) return;
      this.#writable = this.#channel.write(encodeFrames(frames));
    }
  }

  close(): void {
    this.#closed = true;
    this.#urgent.clear();
    this.#ready.clear();
    this.#isReady.clear();
    this.#credits.clear();
  }

  #wake(): void {
    if (this.#scheduled || this.#closed || !this.#writable) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  #gather(): WireFrame[] {
    const frames: WireFrame[] = [];
    let bytes = 0;
    while (bytes < FULL_FRAMES_BYTES) {
      const frame = this.#urgent.shift() ?? this.#takePong() ?? this.#takeCredit() ?? this.#takeFromCall();
      if (frame === undefined) break;
      frames.push(frame);
      bytes += encodedSize(frame);
    }
    return frames;
  }

  #takePong(): WireFrame | undefined {
    if (this.#pong === undefined) return undefined;
    const payload = toBinary(PongSchema, create(PongSchema, { nonce: this.#pong }));
    this.#pong = undefined;
    return { call: 0, kind: Kind.pong, payload };
  }

  #takeCredit(): WireFrame | undefined {
    for (const [call, side] of this.#credits) {
      this.#credits.delete(call);
      const bytes = side.takeCredit();
      if (bytes > 0)
        return { call, kind: Kind.credit, payload: toBinary(CreditSchema, create(CreditSchema, { bytes })) };
    }
    return undefined;
  }

  #takeFromCall(): WireFrame | undefined {
    for (let side = this.#ready.shift(); side !== undefined; side = this.#ready.shift()) {
      this.#isReady.delete(side);
      const frame = side.next();
      if (frame === undefined) continue;
      this.ready(side);
      this.#left(frame);
      return frame;
    }
    return undefined;
  }
}
