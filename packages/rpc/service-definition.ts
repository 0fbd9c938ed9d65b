import type { DescService } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';

/** grpc-js wants Buffers; this views the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const same = (bytes: Buffer): Buffer => bytes;

/**
 * A service as grpc-js knows it, with messages as the bytes they travel in: decoding is done where a failure can be told
 * from a fault, and what is encoded already is passed on as it is.
 */
export function toServiceDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.name,
        requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
        responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    ]),
  );
}
