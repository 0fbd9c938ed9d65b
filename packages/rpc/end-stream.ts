import { constants, type Http2Stream } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';

const TAKE_STATUS_MS = 5_000;

/**
 * Ends a stream with a status behind all that was written. A peer that reads nothing would never take it, and the stream
 * and what is written would stay for as long as the connection: such a stream is reset, which needs no reading.
 */
export function endStream(call: grpc.ServerWritableStream<Buffer, Buffer>, status: grpc.ServiceError): void {
  call.emit('error', status);
  const overdue = setTimeout(() => http2StreamOf(call)?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM), TAKE_STATUS_MS);
  overdue.unref();
  call.once('cancelled', () => clearTimeout(overdue));
}

// grpc-js has no call for it; the test beside pins where it keeps the stream.
function http2StreamOf(call: unknown): Http2Stream | undefined {
  return (call as { call?: { stream?: Http2Stream } }).call?.stream;
}
