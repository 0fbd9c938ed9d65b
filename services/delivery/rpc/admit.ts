import type { Call } from '@realchat/rpc';
import { CANCELLED, sessionRevoked } from '../domain/endings.ts';
import type { HeldStream, Sessions } from '../domain/sessions.ts';

/**
 * Takes a stream among those of this node; it ends when its caller goes. Release it when it has ended. Throws as
 * `Sessions.admit` does.
 */
export function admit<S extends HeldStream>(
  streams: Sessions<S>,
  stream: S,
  call: Call,
  isRevoked: (loginId: string) => boolean,
): void {
  streams.admit(stream);
  call.signal.addEventListener('abort', () => stream.end(CANCELLED), { once: true });
  if (call.signal.aborted) stream.end(CANCELLED);
  // The news may have come between the token's check and the admission.
  if (isRevoked(stream.loginId)) stream.end(sessionRevoked());
}
