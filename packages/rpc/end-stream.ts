import { constants, type ServerHttp2Stream } from 'node:http2';
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

/**
 * Refuses a call that was not begun, in the transport's own way: the caller's library or proxy makes it at another instance,
 * whatever it is, and the caller sees nothing. False when that cannot be said any more.
 */
export function refuseCall(call: unknown): boolean {
  const stream = http2StreamOf(call);
  if (!stream || stream.headersSent || stream.closed) return false;
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
  return true;
}

// grpc-js has no call for it; the test beside pins where it keeps the stream.
function http2StreamOf(call: unknown): ServerHttp2Stream | undefined {
  return (call as { call?: { stream?: ServerHttp2Stream } }).call?.stream;
}
