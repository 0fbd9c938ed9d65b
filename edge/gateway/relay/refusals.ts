import { create, fromBinary } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { Code } from '@realchat/gen/google/rpc/code';
import { type Status, StatusSchema } from '@realchat/gen/google/rpc/status';
import { RpcError } from '@realchat/rpc';

const DETAILS = 'grpc-status-details-bin';

/** What the gateway itself refuses. */
export const refusals = {
  unknownMethod: (): RpcError => new RpcError(Code.UNIMPLEMENTED, 'METHOD_UNKNOWN', 'there is no such method'),
  tokenMissing: (): RpcError => new RpcError(Code.UNAUTHENTICATED, 'TOKEN_MISSING', 'an access token is needed'),
  draining: (): RpcError =>
    new RpcError(Code.UNAVAILABLE, 'DRAINING', 'this gateway is stopping; connect again', { retryAfterMs: 100 }),
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
