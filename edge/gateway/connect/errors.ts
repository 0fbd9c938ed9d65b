import { createRegistry } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { file_google_rpc_error_details } from '@realchat/gen/google/rpc/error_details';
import type { Status } from '@realchat/gen/google/rpc/status';
import type { RpcError } from '@realchat/rpc';

const knownDetails = createRegistry(file_google_rpc_error_details);

/** A status as Connect's handlers throw it: code, message and details reach the client over each of its protocols. */
export function toConnectError(status: Status, metadata: Headers = new Headers()): ConnectError {
  const code = status.code in Code ? (status.code as Code) : Code.Unknown;
  const error = new ConnectError(status.message, code, metadata);
  error.details = status.details.map(toDetail);
  return error;
}

export function refused(why: RpcError): ConnectError {
  const seconds = why.retryAfterSeconds;
  return toConnectError(why.toStatus(), new Headers(seconds === undefined ? {} : { 'retry-after': String(seconds) }));
}

/** Details of a known type are decoded, so that Connect's JSON has them in words as well as in base64. */
function toDetail(detail: Any): ConnectError['details'][number] {
  const type = detail.typeUrl.slice(detail.typeUrl.lastIndexOf('/') + 1);
  const desc = knownDetails.getMessage(type);
  try {
    const value = anyUnpack(detail, knownDetails);
    if (desc !== undefined && value !== undefined) return { desc, value };
  } catch {
    // Bytes that are not of their type are passed on as they are.
  }
  return { type, value: detail.value };
}
