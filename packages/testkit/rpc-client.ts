import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import * as grpc from '@grpc/grpc-js';
import type { GrpcClient } from '@realchat/rpc';

/** The unary methods of a service as a user of generated stubs has them, with a token on every call. */
export type TestClient<S extends { method: GenServiceMethods }> = Omit<GrpcClient<S['method']>, 'close'>;

const same = (bytes: Buffer): Buffer => bytes;

/** A client with plain grpc-js: one channel, a 10 s deadline, no retries. The channel is dropped with the process. */
export function createTestClient<S extends GenServiceMethods>(
  service: GenService<S>,
  port: number,
  token?: string,
  headers: Record<string, string> = {},
): TestClient<GenService<S>> {
  const channel = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
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
