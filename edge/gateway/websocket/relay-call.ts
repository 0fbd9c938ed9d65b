import type * as grpc from '@grpc/grpc-js';
import type { IncomingCall, IncomingCallListener } from '@realchat/framing';
import { asBuffer } from '@realchat/rpc';
import { RawCall } from '../backends/raw-call.ts';
import { toFrames } from '../relay/metadata.ts';
import { statusOf } from '../relay/refusals.ts';

export interface RelayTarget {
  readonly channel: grpc.ChannelInterface;
  readonly path: string;
  readonly metadata: grpc.Metadata;
  readonly unary: boolean;
  /** In milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
  /** The call is over, with this code. */
  readonly ended: (code: number) => void;
}

/**
 * Joins a call of a socket and a call of a backend. No payload is looked at, and the kind of the method makes no difference.
 * Neither side is read faster than the other takes: a message of the backend is asked for when the socket's call has room,
 * and the client gets its credit back when the backend has taken its message.
 */
export function relayCall(call: IncomingCall, target: RelayTarget): IncomingCallListener {
  let full = false;
  const backend = new RawCall(target, {
    headers: (headers) => {
      const metadata = toFrames(headers);
      // That a stream is open is worth telling; a unary call's answer follows anyway.
      if (metadata.length > 0 || !target.unary) call.headers(metadata);
    },
    message: (bytes) => {
      if (call.send(bytes)) backend.read();
      else full = true;
    },
    status: (ended) => call.end(statusOf(ended), toFrames(ended.metadata)),
  });
  backend.read();
  return {
    message: (message) => {
      call.pause();
      backend.write(asBuffer(message), () => call.resume());
    },
    halfClosed: () => backend.halfClose(),
    drained: () => {
      if (!full) return;
      full = false;
      backend.read();
    },
    closed: ({ code }) => {
      backend.cancel();
      target.ended(code);
    },
  };
}
