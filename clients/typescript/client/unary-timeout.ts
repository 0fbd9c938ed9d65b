import type { Transport } from '@connectrpc/connect';

export const UNARY_TIMEOUT_MS = 10_000;

/** An answer that was lost must not be waited for forever; a stream has no deadline. */
export function withUnaryTimeout(transport: Transport): Transport {
  return {
    unary: (method, signal, timeoutMs, ...rest) =>
      transport.unary(method, signal, timeoutMs ?? UNARY_TIMEOUT_MS, ...rest),
    stream: (...call) => transport.stream(...call),
  };
}
