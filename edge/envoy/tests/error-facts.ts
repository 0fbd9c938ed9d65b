import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';

/** What programs read of an error. */
export interface ErrorFacts {
  code: number;
  domain: string | undefined;
  reason: string | undefined;
  retryAfterSeconds: number | undefined;
}

/** Reads `grpc-status-details-bin`, as bytes or as it travels. */
export function readErrorFacts(details: Uint8Array | string | undefined): ErrorFacts {
  const bytes = typeof details === 'string' ? Buffer.from(details, 'base64') : (details ?? new Uint8Array());
  const status = fromBinary(StatusSchema, bytes);
  const info = status.details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
  const retry = status.details.map((any) => anyUnpack(any, RetryInfoSchema)).find(Boolean);
  return {
    code: status.code,
    domain: info?.domain,
    reason: info?.reason,
    retryAfterSeconds: retry?.retryDelay && Number(retry.retryDelay.seconds),
  };
}

/** Reads the ErrorInfo of a Connect error body, which says the same in base64 and in words. */
export function readConnectError(body: Buffer): { code: string; message: string; reason: string | undefined } {
  const { code, message, details } = JSON.parse(body.toString());
  const info = details?.find((detail: { type: string }) => detail.type === 'google.rpc.ErrorInfo');
  const reason = info && fromBinary(ErrorInfoSchema, Buffer.from(info.value, 'base64')).reason;
  if (info?.debug?.reason !== reason) throw new Error(`debug says ${JSON.stringify(info.debug)}, not ${reason}`);
  return { code, message, reason };
}
