import { type CallRequest, Code as GrpcCode, type Metadata, type OutgoingCall, type Status } from '@realchat/framing';
import { toConnectError } from './errors.ts';
import type { Session } from './session.ts';

type Result = IteratorResult<Uint8Array, undefined>;

const DONE: Result = { done: true, value: undefined };

/** A call with any number of messages each way. Its answers are taken one by one: a reader that waits slows its callee down. */
export class StreamCall implements AsyncIterableIterator<Uint8Array, undefined> {
  /** Settles with the callee's initial metadata: with its headers, its first message or its successful end. */
  readonly headers: Promise<Metadata[]>;
  /** The trailing metadata, once the call has ended. */
  trailers: Metadata[] = [];
  readonly #call: OutgoingCall;
  readonly #begun = Promise.withResolvers<Metadata[]>();
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.#call.cancel();
  #initial: Metadata[] = [];
  #first: Uint8Array | undefined;
  #waiting: PromiseWithResolvers<Result> | undefined;
  #ended: Status | undefined;
  #drained: (() => void) | undefined;

  constructor(session: Session, request: CallRequest, signal: AbortSignal) {
    this.headers = this.#begun.promise;
    this.#signal = signal;
    this.#call = session.call(request, {
      headers: (metadata) => this.#begin(metadata),
      message: (message) => this.#message(message),
      drained: () => this.#release(),
      end: (status, trailers) => this.#end(status, trailers),
    });
    signal.addEventListener('abort', this.#abort);
    if (signal.aborted) this.#abort();
  }

  /** Sends each message when there is room for it, then half-closes. A source that fails cancels the call. */
  async sendAll(messages: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const message of messages) {
        if (this.#ended) return;
        if (!this.#call.send(message)) await this.#room();
      }
      this.#call.halfClose();
    } catch (error) {
      this.#call.cancel();
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#first !== undefined) {
      const value = this.#first;
      this.#first = undefined;
      return Promise.resolve({ done: false, value });
    }
    if (this.#ended) return this.#finish(this.#ended);
    this.#waiting ??= Promise.withResolvers<Result>();
    const { promise } = this.#waiting;
    this.#call.resume();
    return promise;
  }

  #message(value: Uint8Array): void {
    this.#call.pause();
    if (this.#waiting === undefined) this.#first = value;
    else this.#waiting.resolve({ done: false, value });
    this.#waiting = undefined;
    this.#begin([]);
  }

  #begin(metadata: Metadata[]): void {
    if (metadata.length > 0) this.#initial = metadata;
    this.#begun.resolve(metadata);
  }

  #end(status: Status, trailers: Metadata[]): void {
    this.#signal.removeEventListener('abort', this.#abort);
    this.#ended = status;
    this.trailers = trailers;
    if (this.#waiting) this.#waiting.resolve(this.#finish(status));
    this.#waiting = undefined;
    this.#release();
    // With the messages, an error comes when they are read; before any, there is nothing else to tell.
    if (status.code === GrpcCode.OK) this.#begun.resolve([]);
    else this.#begun.reject(this.#error(status));
  }

  #finish(status: Status): Promise<Result> {
    return status.code === GrpcCode.OK ? Promise.resolve(DONE) : Promise.reject(this.#error(status));
  }

  #error(status: Status): Error {
    return toConnectError(status, [...this.#initial, ...this.trailers]);
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
      if (this.#ended) resolve();
    });
  }

  #release(): void {
    this.#drained?.();
    this.#drained = undefined;
  }
}
