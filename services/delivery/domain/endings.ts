import { ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { Code, RpcError, tokenRevoked } from '@realchat/rpc';
import { type Frame, resetFrame } from './frames.ts';

/** Every way a session can end has a name. */
export interface Ending {
  /** For logs and metrics. */
  reason:
    | 'cancelled'
    | 'token-expired'
    | 'session-revoked'
    | 'draining'
    | 'slow-consumer'
    | 'log-changed'
    | 'membership-unreadable'
    | 'failed';
  /** What the call ends with. A stream never ends by itself, so there is always something. */
  error: unknown;
  /** What still goes out before the status: a frame, or the session's last checkpoint, if all before it went out. */
  farewell: Frame | 'checkpoint' | undefined;
}

/** The caller has gone. */
export const CANCELLED: Ending = {
  reason: 'cancelled',
  error: new RpcError(Code.CANCELLED, 'CANCELLED', 'the caller has gone'),
  farewell: undefined,
};

/** The access token that opened the stream has ended. */
export function tokenExpired(): Ending {
  const error = new RpcError(
    Code.UNAUTHENTICATED,
    'TOKEN_EXPIRED',
    'the access token has expired; refresh the session',
  );
  return { reason: 'token-expired', error, farewell: 'checkpoint' };
}

/** The login that opened the stream has ended: nothing more goes out. */
export function sessionRevoked(): Ending {
  return { reason: 'session-revoked', error: tokenRevoked(), farewell: undefined };
}

/** This node stops. The moment to come back is spread, so that its sessions do not all knock at once. */
export function draining(): Ending {
  return { reason: 'draining', error: comeBack('DRAINING', 'this instance is stopping'), farewell: 'checkpoint' };
}

/** The caller reads more slowly than events arrive. */
export function slowConsumer(): Ending {
  const error = new RpcError(
    Code.RESOURCE_EXHAUSTED,
    'SLOW_CONSUMER',
    'the stream was read too slowly; subscribe again with the newest cursor',
    { retryAfterMs: spread(1_000) },
  );
  return { reason: 'slow-consumer', error, farewell: resetFrame(ResetReason.SLOW_CONSUMER) };
}

/** The log was replaced by another one: what the caller has may not be in it. */
export function logChanged(): Ending {
  const error = comeBack('LOG_CHANGED', 'the event log was replaced; subscribe again');
  return { reason: 'log-changed', error, farewell: resetFrame(ResetReason.EPOCH_CHANGED) };
}

/** Somebody joined or left a conversation in a way that this node cannot read; a new snapshot tells who. */
export function membershipUnreadable(): Ending {
  const error = comeBack('MEMBERSHIP_UNKNOWN', 'memberships are read anew; subscribe again');
  return { reason: 'membership-unreadable', error, farewell: undefined };
}

/** The session could not be opened. */
export function failed(error: unknown): Ending {
  return { reason: 'failed', error, farewell: undefined };
}

function comeBack(reason: string, message: string): RpcError {
  return new RpcError(Code.UNAVAILABLE, reason, message, { retryAfterMs: spread(2_000) });
}

/** A random time of at least 100 ms. */
function spread(maxMs: number): number {
  return 100 + Math.floor(Math.random() * (maxMs - 100));
}
