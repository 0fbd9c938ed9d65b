import type { Call } from '@realchat/rpc';
import { formatTraceparent } from '@realchat/telemetry';
import type { MessagingContext } from '../context.ts';
import type { Author } from '../db/write-event.ts';
import type { Refusal } from '../domain/group-rules.ts';
import { shardOf } from '../domain/shard.ts';
import type { GroupChange } from '../events.ts';
import { refusalError } from './refusals.ts';

/** The caller as the author of a change. Ids are compared and hashed as text, so they are put in lower case. */
export function authorOf(call: Call, request: { conversationId: string }): Author {
  return {
    conversationId: request.conversationId.toLowerCase(),
    userId: call.caller.userId,
    traceparent: formatTraceparent(call.trace),
  };
}

/** Passes a transaction's outcome on, or throws its refusal and tells of it. */
export function accepted<T extends object>(
  context: MessagingContext,
  call: Call,
  by: Author,
  change: GroupChange,
  outcome: T | Refusal,
): T {
  if (typeof outcome !== 'string') return outcome;
  context.events.groupChangeRefused(call, change, by.conversationId, outcome);
  throw refusalError(outcome);
}

/** Tells of a change that is committed. */
export function committed(
  context: MessagingContext,
  call: Call,
  by: Author,
  change: GroupChange,
  users: string[],
): void {
  context.committed([shardOf(by.conversationId)]);
  context.events.groupChanged(call, change, by.conversationId, users);
}
