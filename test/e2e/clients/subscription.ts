import type { SubscribeResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { CallFailure } from './caller.ts';
import { type ChatMessage, toChatMessage } from './chat-message.ts';

/** One stream of events and all that came over it. */
export class Subscription {
  /** Resolves when the replay is over; rejects when the stream ends before. */
  readonly caughtUp: Promise<void>;
  /** Resolves when the stream is over, with the failure that ended it, if one did. */
  readonly ended: Promise<CallFailure | undefined>;
  /** Every frame but heartbeats, in the order in which they came; none when somebody takes them as they come. */
  readonly frames: SubscribeResponse[] = [];
  heartbeats = 0;
  /** Where to resume from. */
  cursor: Uint8Array = new Uint8Array();
  readonly #stopping = new AbortController();

  constructor(
    open: (signal: AbortSignal) => AsyncIterable<SubscribeResponse>,
    onFrame?: (f: SubscribeResponse) => void,
  ) {
    const caughtUp = Promise.withResolvers<void>();
    // Whoever does not wait for it learns the failure from `ended`.
    caughtUp.promise.catch(() => {});
    this.caughtUp = caughtUp.promise;
    this.ended = this.#read(open(this.#stopping.signal), caughtUp.resolve, onFrame).catch((error: CallFailure) => {
      caughtUp.reject(error);
      return this.#stopping.signal.aborted ? undefined : error;
    });
  }

  /** The messages, in the order in which they were pushed, repeats included. */
  get messages(): ChatMessage[] {
    return this.frames.flatMap(({ frame }) =>
      frame.case === 'event' && frame.value.change.case === 'messageSent'
        ? [toChatMessage(frame.value.change.value.message)]
        : [],
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.ended;
  }

  async #read(
    frames: AsyncIterable<SubscribeResponse>,
    caughtUp: () => void,
    onFrame: ((frame: SubscribeResponse) => void) | undefined,
  ): Promise<undefined> {
    for await (const frame of frames) {
      if (frame.frame.case === 'heartbeat') this.heartbeats++;
      else if (!onFrame) this.frames.push(frame);
      if (frame.frame.case === 'checkpoint' || frame.frame.case === 'caughtUp') this.cursor = frame.frame.value.cursor;
      if (frame.frame.case === 'caughtUp') caughtUp();
      onFrame?.(frame);
    }
    return undefined;
  }
}
