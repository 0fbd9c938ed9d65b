import { Code, ConnectError } from '@connectrpc/connect';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import { RawCall, type RawCallRequest } from '../backends/raw-call.ts';
import { statusOf } from '../relay/refusals.ts';
import { toConnectError } from './errors.ts';
import { copyTo } from './headers.ts';

/** A call to a backend for those who wait for each message in turn. */
export class BackendCall {
  readonly #call: RawCall;
  readonly #headers: (headers: Metadata) => void;
  #next: PromiseWithResolvers<Buffer | undefined> | undefined;
  #ended: StatusObject | undefined;
  #cancelled: unknown;

  constructor(request: RawCallRequest, headers: (headers: Metadata) => void) {
    this.#headers = headers;
    this.#call = new RawCall(request, {
      headers: (metadata) => this.#headers(metadata),
      message: (bytes) => this.#answer(bytes),
      status: (ended) => this.#end(ended),
    });
  }

  /** Empty until the call is over. */
  get trailers(): Metadata {
    return this.#ended?.metadata ?? new Metadata();
  }

  get code(): number {
    return this.#ended?.code ?? Code.Canceled;
  }

  /** The next message; undefined at a successful end. Rejects with a ConnectError at any other. */
  next(): Promise<Buffer | undefined> {
    if (this.#ended) return this.#outcome(this.#ended);
    this.#next = Promise.withResolvers();
    this.#call.read();
    return this.#next.promise;
  }

  /** Sends a message; settles when there is room for the next one, or the call is over. */
  send(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended) resolve();
      else this.#call.write(bytes, resolve);
    });
  }

  halfClose(): void {
    this.#call.halfClose();
  }

  /** Ends the call; whoever waits for it is given the reason. */
  cancel(reason: unknown): void {
    this.#cancelled ??= reason;
    this.#call.cancel();
  }

  #answer(bytes: Buffer): void {
    this.#next?.resolve(bytes);
    this.#next = undefined;
  }

  #end(ended: StatusObject): void {
    this.#ended = ended;
    this.#next?.resolve(this.#outcome(ended));
    this.#next = undefined;
  }

  #outcome(ended: StatusObject): Promise<undefined> {
    if (ended.code === 0) return Promise.resolve(undefined);
    // That a deadline has passed is told by the signal, not by the cancellation that followed.
    if (this.#cancelled !== undefined) return Promise.reject(ConnectError.from(this.#cancelled, Code.Canceled));
    const metadata = new Headers();
    copyTo(metadata, ended.metadata);
    return Promise.reject(toConnectError(statusOf(ended), metadata));
  }
}
