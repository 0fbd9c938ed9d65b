import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type Welcome, WelcomeSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { defaultLimits, type Limits, PIECE_OVERHEAD } from './limits.ts';
import { malformed } from './session-error.ts';

/** What the server tells its client of the session's limits, and how long the client's token still lives. */
export function welcomeOf(limits: Limits, tokenLifetimeMs: number | undefined): Welcome {
  return create(WelcomeSchema, {
    maxPartBytes: limits.maxPartBytes,
    maxMessageBytes: limits.maxMessageBytes,
    initialCreditBytes: limits.initialCredit,
    maxCalls: limits.maxCalls,
    tokenLifetime: tokenLifetimeMs === undefined ? undefined : durationFromMs(Math.floor(tokenLifetimeMs)),
  });
}

/**
 * What a welcome says of the session's limits.
 *
 * @throws SessionError when no session can live with them.
 */
export function limitsOf(welcome: Welcome): Partial<Limits> {
  const limits = {
    maxPartBytes: welcome.maxPartBytes || defaultLimits.maxPartBytes,
    maxMessageBytes: welcome.maxMessageBytes || defaultLimits.maxMessageBytes,
    initialCredit: welcome.initialCreditBytes || defaultLimits.initialCredit,
    maxCalls: welcome.maxCalls || defaultLimits.maxCalls,
  };
  if (limits.initialCredit * 3 < (limits.maxPartBytes + PIECE_OVERHEAD) * 4) {
    throw malformed('a welcome whose credit is too small for a piece');
  }
  return limits;
}
