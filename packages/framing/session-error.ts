/**
 * Why a session cannot go on.
 * - `protocol`: the peer sent what no correct peer sends.
 * - `too_many_calls`: the peer opened more calls than it may.
 */
export type SessionErrorReason = 'protocol' | 'too_many_calls';

/** Ends a session with all its calls. */
export class SessionError extends Error {
  override name = 'SessionError';
  readonly reason: SessionErrorReason;

  constructor(reason: SessionErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export function malformed(message: string): SessionError {
  return new SessionError('protocol', message);
}
