import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import { type Metadata, metadataOf } from '@realchat/framing';

/** Names that say something about one hop, or that only our side may set; and what browsers add of their own. */
const HOP_NAMES = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'baggage',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'dnt',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'pragma',
  'priority',
  'referer',
  'remote-user',
  'save-data',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'tracestate',
  'upgrade',
  'upgrade-insecure-requests',
  'user-agent',
  'via',
  'x-client-ip',
  'x-grpc-web',
  'x-http-method-override',
  'x-jwt-payload',
  'x-real-ip',
  'x-remote-user',
  'x-request-id',
  'x-requested-with',
  'x-user-agent',
  'x-user-id',
]);

const HOP_PREFIXES = [
  ':',
  'grpc-',
  'connect-',
  'sec-',
  'x-envoy-',
  'x-forwarded-',
  'x-internal-',
  'x-auth-request-',
  'x-authenticated-',
  'proxy-',
  'access-control-',
];

/** Whether a pair of metadata is the two ends' own business, and so passes. */
export function passes(name: string): boolean {
  return !HOP_NAMES.has(name) && !HOP_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** What the gateway knows of a call and tells the backend. */
export interface CallFacts {
  /** The access token; undefined for a caller without one. */
  readonly token: string | undefined;
  readonly clientAddress: string;
  /** The trace that the call belongs to, with the gateway's step in it. */
  readonly traceparent: string;
}

/** The metadata that a backend gets: the client's own, and what only the gateway can know. */
export function toBackend(pairs: Iterable<readonly [string, string | Buffer]>, facts: CallFacts): GrpcMetadata {
  const metadata = new GrpcMetadata();
  for (const [name, value] of pairs) if (passes(name)) metadata.add(name, value);
  if (facts.token) metadata.set('authorization', `Bearer ${facts.token}`);
  metadata.set('x-forwarded-for', facts.clientAddress);
  metadata.set('traceparent', facts.traceparent);
  return metadata;
}

/** The pairs that a client gets of a backend's headers or trailers. */
export function* toClient(metadata: GrpcMetadata): Generator<[string, string | Buffer]> {
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    if (!passes(name)) continue;
    for (const value of values) yield [name, value];
  }
}

/** The same, in the form of the framing. */
export function toFrames(metadata: GrpcMetadata): Metadata[] {
  return Array.from(toClient(metadata), ([name, value]) => metadataOf(name, value));
}

/** A client's metadata from the framing. */
export function* fromFrames(metadata: readonly Metadata[]): Generator<[string, string | Buffer]> {
  for (const { name, text, binary } of metadata) {
    yield [name, name.endsWith('-bin') ? Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength) : text];
  }
}
