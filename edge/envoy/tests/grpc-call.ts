import * as grpc from '@grpc/grpc-js';

/** How a gRPC call ended. */
export interface GrpcResult {
  code: grpc.status;
  message: string;
  details: Buffer | undefined;
  response: Buffer | undefined;
}

const same = (bytes: Buffer) => bytes;

/** A native gRPC client of the edge's TLS listener. */
export function grpcClient(target: { port: number; ca: string }): grpc.Client {
  return new grpc.Client(`localhost:${target.port}`, grpc.credentials.createSsl(Buffer.from(target.ca)));
}

/** Makes a unary call and says how it ended; it never rejects. */
export function grpcCall(
  client: grpc.Client,
  path: string,
  request: Uint8Array = new Uint8Array(),
  headers: Record<string, string> = {},
  options: grpc.CallOptions = { deadline: Date.now() + 10_000 },
): Promise<GrpcResult> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(request), metadataOf(headers), options, (error, response) => {
      const details = error?.metadata?.get('grpc-status-details-bin')[0] as Buffer | undefined;
      resolve({ code: error?.code ?? grpc.status.OK, message: error?.details ?? '', details, response });
    });
  });
}

/** Opens a server-streaming call. */
export function grpcStream(
  client: grpc.Client,
  path: string,
  headers: Record<string, string> = {},
): grpc.ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest(path, same, same, Buffer.alloc(0), metadataOf(headers), {});
}

function metadataOf(headers: Record<string, string>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  return metadata;
}
