import * as grpc from '@grpc/grpc-js';

/** What a backend answers, as bytes. */
export interface RawCallListener {
  headers(metadata: grpc.Metadata): void;
  /** A message that was asked for by `read`. */
  message(bytes: Buffer): void;
  /** The last of all, exactly once. */
  status(status: grpc.StatusObject): void;
}

export interface RawCallRequest {
  readonly channel: grpc.ChannelInterface;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: grpc.Metadata;
  /** In milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
}

/**
 * A call to a backend whose messages are bytes both ways, of whatever kind its method is.
 *
 * It stands on the channel's own calls and not on grpc-js's streams: those fetch 16 messages ahead, of any size, whoever
 * waits. Here nothing is fetched that was not asked for, so that a slow reader slows its backend down.
 */
export class RawCall {
  readonly #call: ReturnType<grpc.ChannelInterface['createCall']>;
  /** Nothing more is asked of the call. */
  #over = false;

  constructor({ channel, path, metadata, deadline }: RawCallRequest, listener: RawCallListener) {
    this.#call = channel.createCall(path, deadline, null, null, null);
    this.#call.start(metadata, {
      onReceiveMetadata: (headers) => listener.headers(headers),
      onReceiveMessage: (bytes: Buffer) => listener.message(bytes),
      onReceiveStatus: (status) => {
        this.#over = true;
        listener.status(status);
      },
    });
  }

  /** Asks for the next message. The status comes only when no message is left. */
  read(): void {
    if (!this.#over) this.#call.startRead();
  }

  /** Sends a message; the next may be sent when `sent` was called, and not before. */
  write(bytes: Buffer, sent: () => void): void {
    if (!this.#over) this.#call.sendMessageWithContext({ callback: () => sent() }, bytes);
  }

  halfClose(): void {
    if (!this.#over) this.#call.halfClose();
  }

  /** Ends the call if it is not over; its status comes all the same. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#call.cancelWithStatus(grpc.status.CANCELLED, 'cancelled');
  }
}
