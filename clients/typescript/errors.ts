import { Code, ConnectError } from '@connectrpc/connect';
import { afterClose, CallFault, type Metadata, type Status, statusOf } from '@realchat/framing';
import { toHeaders } from './metadata.ts';

/** A call's status as the error that Connect's clients throw, with its details and all metadata that came with it. */
export function toConnectError(status: Status, metadata: readonly Metadata[] = []): ConnectError {
  const code = status.code in Code ? (status.code as Code) : Code.Unknown;
  const error = new ConnectError(status.message, code, toHeaders(metadata));
  error.details = status.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }));
  return error;
}

/** What opening or making a call threw. */
export function fromFault(error: unknown): ConnectError {
  return error instanceof CallFault ? toConnectError(error.status) : ConnectError.from(error, Code.Internal);
}

/** How calls end that were open when their socket closed. */
export function statusOfClose(code: number): Status {
  return afterClose(code) === 'authenticate'
    ? statusOf(Code.Unauthenticated, `the session was refused (${code})`)
    : statusOf(Code.Unavailable, `the socket was closed (${code})`);
}
