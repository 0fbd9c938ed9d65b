import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { StatusSchema } from '@realchat/gen/google/rpc/status';
import type { GrpcClient } from '@realchat/rpc';

/** The unary methods of a service as a user of generated stubs has them, with a token on every call. */
export type TestClient<S extends { method: GenServiceMethods }> = Omit<GrpcClient<S['method']>, 'close'>;

const same = (bytes: Buffer): Buffer => bytes;

/** A client with plain grpc-js: one channel, a 10 s deadline, no retries. The channel is dropped with the process. */
export function createTestClient<S extends GenServiceMethods>(
  service: GenService<S>,
  port: number,
  token?: string,
): TestClient<GenService<S>> {
  const channel = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const metadata = new grpc.Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const methods = service.methods.map((method) => [method.localName, unary(channel, method, metadata)]);
  return Object.fromEntries(methods) as TestClient<GenService<S>>;
}

function unary(channel: grpc.Client, method: DescMethod, metadata: grpc.Metadata) {
  const path = `/${method.parent.typeName}/${method.name}`;
  return (request: MessageInitShape<DescMethod['input']>) =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
      channel.makeUnaryRequest(
        path,
        same,
        same,
        bytes,
        metadata,
        { deadline: Date.now() + 10_000 },
        (error, response) => {
          if (error) reject(error);
          else resolve(fromBinary(method.output, response as Buffer));
        },
      );
    });
}

/** What a refused call tells its caller, in a form to compare. */
export interface Refusal {
  code: string;
  message: string;
  reason: string | undefined;
  metadata: Record<string, string>;
  fields: string[];
  /** Whether it says when to come back. */
  retries: boolean;
}

/** Waits for a call to be refused and reads code and details. Throws when it succeeds. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (caught: grpc.ServiceError) => caught,
  );
  if (typeof error.code !== 'number') throw error;
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  const details = bytes instanceof Buffer ? fromBinary(StatusSchema, bytes).details : [];
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean);
  const violations = details.flatMap((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []);
  return {
    code: grpc.status[error.code] ?? String(error.code),
    message: error.details,
    reason: info?.reason,
    metadata: info?.metadata ?? {},
    fields: violations.map((violation) => violation.field),
    retries: details.some((any) => anyUnpack(any, RetryInfoSchema)),
  };
}
