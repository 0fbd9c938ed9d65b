import { Code, ConnectError } from '@connectrpc/connect';
import { type CallRequest, Code as GrpcCode, type Metadata } from '@realchat/framing';
import { toConnectError } from './errors.ts';
import type { Session } from './session.ts';

export interface UnaryAnswer {
  readonly headers: Metadata[];
  readonly message: Uint8Array;
  readonly trailers: Metadata[];
}

/** Makes a call with one message each way. Rejects with a ConnectError. */
export function callUnary(
  session: Session,
  request: CallRequest,
  message: Uint8Array,
  signal: AbortSignal,
): Promise<UnaryAnswer> {
  return new Promise((resolve, reject) => {
    const messages: Uint8Array[] = [];
    let headers: Metadata[] = [];
    const call = session.call(request, {
      headers: (metadata) => {
        headers = metadata;
      },
      message: (answer) => {
        messages.push(answer);
        // More than one is an error whatever it is: no need to keep a flood of them.
        if (messages.length > 1) call.cancel();
      },
      end: (status, trailers) => {
        signal.removeEventListener('abort', abort);
        const [only, extra] = messages;
        if (extra !== undefined) reject(new ConnectError('more than one response', Code.Unimplemented));
        else if (status.code !== GrpcCode.OK) reject(toConnectError(status, [...headers, ...trailers]));
        else if (only === undefined) reject(new ConnectError('no response', Code.Unimplemented));
        else resolve({ headers, message: only, trailers });
      },
    });
    const abort = (): void => call.cancel();
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    call.send(message);
    call.halfClose();
  });
}
