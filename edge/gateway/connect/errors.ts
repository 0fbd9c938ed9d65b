import { Code, ConnectError } from '@connectrpc/connect';
import type { Status } from '@realchat/gen/google/rpc/status';
import type { RpcError } from '@realchat/rpc';

/** A status as Connect's handlers throw it: code, message and details reach the client over each of its protocols. */
export function toConnectError(status: Status, metadata: Headers = new Headers()): ConnectError {
  const code = status.code in Code ? (status.code as Code) : Code.Unknown;
  const error = new ConnectError(status.message, code, metadata);
  error.details = status.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1),
    value,
  }));
  return error;
}

export function refused(why: RpcError): ConnectError {
  return toConnectError(why.toStatus());
}
