import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { Call } from './call.ts';

/** A response that was encoded before, passed on as it is. */
export class Encoded {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Where a server-streaming handler writes. */
export interface ResponseStream<O extends DescMessage> {
  /** Sends a message. False when the peer is behind: await drained() before the next, or drop what may be dropped. */
  write(message: MessageInitShape<O> | Encoded): boolean;
  /** Resolves when the peer has caught up, or when the call is over. */
  drained(): Promise<void>;
}

type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  call: Call,
  request: MessageShape<I>,
) => Promise<MessageInitShape<O> | Encoded>;

type ServerStreamHandler<I extends DescMessage, O extends DescMessage> = (
  call: Call,
  request: MessageShape<I>,
  stream: ResponseStream<O>,
) => Promise<void>;

/** One handler for each method of a service. */
export type Handlers<S extends GenServiceMethods> = {
  [K in keyof S]: S[K]['methodKind'] extends 'unary'
    ? UnaryHandler<S[K]['input'], S[K]['output']>
    : S[K]['methodKind'] extends 'server_streaming'
      ? ServerStreamHandler<S[K]['input'], S[K]['output']>
      : never;
};

/** A service of the contract with its handlers. */
export interface Implementation {
  service: DescService;
  handlers: Record<string, UnaryHandler<DescMessage, DescMessage> | ServerStreamHandler<DescMessage, DescMessage>>;
}

/** Joins a service of the contract and its handlers. */
export function implement<S extends GenServiceMethods>(service: GenService<S>, handlers: Handlers<S>): Implementation {
  return { service, handlers: handlers as unknown as Implementation['handlers'] };
}
