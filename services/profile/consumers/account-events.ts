import { fromBinary } from '@bufbuild/protobuf';
import { isDatabaseUnavailable, isUniqueViolation } from '@realchat/db';
import { checkSchemaVersion, type EventRecord, PoisonError, type Verdict } from '@realchat/eventlog';
import { type AccountEvent, AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { continueTrace, type Logger } from '@realchat/telemetry';
import type { ProfileContext } from '../context.ts';
import { makeProfile, type NewProfile } from '../db/make-profile.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Takes one record of `realchat.account-events.v1` into the profiles. May be run again with the same record. */
export async function takeAccountEvent(context: ProfileContext, record: EventRecord, log: Logger): Promise<void> {
  const event = decode(record);
  // A session's end says nothing about profiles, and what a newer schema says cannot be known here.
  if (event.change.case !== 'registered') return context.events.eventSkipped();

  const profile = toProfile(event, event.change.value.username);
  const made = await makeProfile(context.pool, profile).catch((error: unknown) => {
    if (!isUniqueViolation(error, 'profile_username')) throw error;
    throw new PoisonError('USERNAME_CONFLICT', 'another account has this username');
  });
  if (!made) return context.events.eventRepeated();
  const { traceId } = continueTrace(record.headers.text('traceparent'));
  const delayMs = Date.now() - Number(profile.createTimeMicros / 1_000n);
  context.events.profileMade(log.child({ trace_id: traceId }), profile.userId, delayMs);
}

/** The database being away is no fault of a record: it waits. */
export function classifyFailure(error: unknown): Verdict {
  return isDatabaseUnavailable(error) ? 'dependency' : 'unknown';
}

function decode(record: EventRecord): AccountEvent {
  checkSchemaVersion(record);
  if (!record.value?.length) throw new PoisonError('EMPTY_VALUE', 'the record has no event');
  let event: AccountEvent;
  try {
    event = fromBinary(AccountEventSchema, record.value);
  } catch {
    throw new PoisonError('UNDECODABLE', 'the value is not an AccountEvent');
  }
  if (!UUID.test(event.userId)) throw new PoisonError('INVALID_EVENT', 'the user id is not a UUID in lower case');
  if (event.position < 1n) throw new PoisonError('INVALID_EVENT', 'the event has no position');
  return event;
}

function toProfile(event: AccountEvent, username: string): NewProfile {
  const { userId, position, createTime } = event;
  if (!createTime) throw new PoisonError('INVALID_EVENT', 'the event has no time');
  if (!username || username.includes('\0')) throw new PoisonError('INVALID_EVENT', 'the event has no username');
  const createTimeMicros = createTime.seconds * 1_000_000n + BigInt(Math.trunc(createTime.nanos / 1_000));
  return { userId, username, createTimeMicros, accountPosition: position };
}
