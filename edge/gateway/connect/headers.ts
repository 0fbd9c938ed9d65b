import { decodeBinaryHeader, encodeBinaryHeader } from '@connectrpc/connect';
import type { Metadata } from '@grpc/grpc-js';
import { toClient } from '../relay/metadata.ts';

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** A request's headers as pairs of metadata. What metadata cannot hold is left out. */
export function* fromHeaders(headers: Headers): Generator<[string, string | Buffer]> {
  for (const [name, value] of headers) {
    if (name.endsWith('-bin')) {
      for (const part of value.split(',')) yield* decoded(name, part.trim());
    } else if (PRINTABLE_ASCII.test(value)) {
      yield [name, value];
    }
  }
}

/** Adds a backend's headers or trailers to a response's. */
export function copyTo(headers: Headers, metadata: Metadata): void {
  for (const [name, value] of toClient(metadata)) {
    headers.append(name, typeof value === 'string' ? value : encodeBinaryHeader(value));
  }
}

function* decoded(name: string, value: string): Generator<[string, Buffer]> {
  try {
    yield [name, Buffer.from(decodeBinaryHeader(value))];
  } catch {
    // Not base64: no value of a `-bin` name.
  }
}
