import { create, fromBinary } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import { type Status, StatusSchema } from '@realchat/gen/google/rpc/status';
import { type FieldViolation, RpcError } from '@realchat/rpc';

const DETAILS = 'grpc-status-details-bin';

/** What the gateway itself refuses. */
export const refusals = {
  unknownMethod: (): RpcError => new RpcError(Code.UNIMPLEMENTED, 'METHOD_UNKNOWN', 'there is no such method'),
  nothingHere: (): RpcError => new RpcError(Code.NOT_FOUND, 'NOT_FOUND', 'there is nothing here'),
  failed: (): RpcError => new RpcError(Code.INTERNAL, 'INTERNAL', 'an internal error occurred'),
  tokenMissing: (): RpcError => new RpcError(Code.UNAUTHENTICATED, 'TOKEN_MISSING', 'an access token is needed'),
  originNotAllowed: (): RpcError =>
    new RpcError(Code.PERMISSION_DENIED, 'ORIGIN_NOT_ALLOWED', 'pages of this origin may not call'),
  malformedRequest: (): RpcError =>
    new RpcError(Code.INVALID_ARGUMENT, 'MALFORMED_REQUEST', 'the request is not well-formed'),
  undecodable: (message: string, violations: FieldViolation[]): RpcError =>
    new RpcError(Code.INVALID_ARGUMENT, 'MALFORMED_MESSAGE', message, { violations }),
  tooLarge: (): RpcError =>
    new RpcError(Code.RESOURCE_EXHAUSTED, 'REQUEST_TOO_LARGE', 'the request is larger than 4 MiB'),
  contentTypeUnknown: (): RpcError =>
    new RpcError(
      Code.INVALID_ARGUMENT,
      'CONTENT_TYPE_UNKNOWN',
      'the content type of a call is application/json or application/proto',
    ),
  httpMethodNotAllowed: (): RpcError =>
    new RpcError(Code.INVALID_ARGUMENT, 'HTTP_METHOD_NOT_ALLOWED', 'this method is called by POST'),
  draining: (): RpcError =>
    new RpcError(Code.UNAVAILABLE, 'DRAINING', 'this gateway is stopping; connect again', {
      // Spread, since the streams of a gateway end together.
      retryAfterMs: 100 + Math.floor(Math.random() * 1_900),
    }),
};

/**
 * How a call to a backend ended, for the client. What a service says passes unchanged. What the gateway's own channel says
 * has addresses of the inside in it, so only its meaning passes.
 */
export function statusOf(ended: grpc.StatusObject): Status {
  if (ended.code === Code.OK) return create(StatusSchema);
  const [details] = ended.metadata.get(DETAILS);
  if (details instanceof Buffer) {
    try {
      return { ...fromBinary(StatusSchema, details), code: ended.code };
    } catch {
      // Details that cannot be read are none.
    }
  }
  return meaningOf(ended).toStatus();
}

function meaningOf({ code, details }: grpc.StatusObject): RpcError {
  // A backend that goes resets its streams, which grpc-js takes for INTERNAL or, since a backend that is shut down by force
  // says so, for CANCELLED. A call that we cancelled ourselves does not come here.
  const reset = code === Code.CANCELLED || (code === Code.INTERNAL && details.includes('RST_STREAM'));
  const lost = code === Code.UNAVAILABLE || reset;
  if (lost)
    return new RpcError(Code.UNAVAILABLE, 'SERVICE_UNAVAILABLE', 'the service is away; retry', { retryAfterMs: 1_000 });
  if (code === Code.UNIMPLEMENTED) return refusals.unknownMethod();
  if (code === Code.DEADLINE_EXCEEDED) return new RpcError(code, 'DEADLINE_EXCEEDED', 'the deadline has passed');
  if (code === Code.RESOURCE_EXHAUSTED)
    return new RpcError(code, 'TOO_LARGE', 'a message or its metadata is too large');
  return new RpcError(code as Code, 'INTERNAL', 'the service failed');
}
