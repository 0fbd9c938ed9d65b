import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code } from '@realchat/gen/google/rpc/code';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';

/** How a call was refused, as a client sees it. */
export interface Refusal {
  /** The canonical code's name. */
  code: string;
  message: string;
  /** Of the ErrorInfo; undefined without one. */
  reason: string | undefined;
  /** Of the ErrorInfo. */
  metadata: Record<string, string>;
  /** The fields at fault, each once. */
  fields: string[];
  /** Of the RetryInfo, in milliseconds; undefined without one. */
  retryAfterMs: number | undefined;
  /** The details' bytes, to compare two refusals whole. */
  details: string;
}

interface ServiceError extends Error {
  code: number;
  details: string;
  metadata: { get(name: string): (string | Buffer)[] };
}

/** Awaits a gRPC call that must be refused. Throws when it is not, or fails without a gRPC status. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason as ServiceError,
  );
  if (!error) throw new Error('the call was answered, and should have been refused');
  if (typeof error.code !== 'number') throw error;
  const bytes = error.metadata.get('grpc-status-details-bin')[0];
  const refusal: Refusal = {
    code: nameOf(error.code),
    message: error.details,
    reason: undefined,
    metadata: {},
    fields: [],
    retryAfterMs: undefined,
    details: bytes instanceof Buffer ? bytes.toString('base64') : '',
  };
  if (!(bytes instanceof Buffer)) return refusal;
  for (const detail of fromBinary(StatusSchema, bytes).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    refusal.reason ??= info?.reason;
    Object.assign(refusal.metadata, info?.metadata);
    const violations = anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? [];
    refusal.fields = [...new Set([...refusal.fields, ...violations.map(({ field }) => field)])];
    const delay = anyUnpack(detail, RetryInfoSchema)?.retryDelay;
    if (delay) refusal.retryAfterMs = Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000;
  }
  return refusal;
}

function nameOf(code: number): string {
  return Object.entries(Code).find(([, number]) => number === code)?.[0] ?? String(code);
}
