import { fromBinary } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { checkSchemaVersion, DependencyError, type EventRecord, PoisonError } from '@realchat/eventlog';
import { type AccountEvent, AccountEventSchema } from '@realchat/gen/realchat/auth/v1/account_event';
import { HELD_MS, type Revoker } from '@realchat/revocation';

/**
 * Tells once more that a session has ended. The call that ended it told already; this is for when it could not, because
 * Redis was away or the process died between. May be run again with the same record.
 */
export async function takeAccountEvent(revoker: Revoker, record: EventRecord): Promise<void> {
  const { change, createTime } = decode(record);
  // What ended longer ago has no token left, and what a newer schema says cannot be known here.
  if (change.case !== 'sessionEnded' || !createTime || timestampMs(createTime) < Date.now() - HELD_MS) return;
  await revoker.revoke([change.value.sessionId]).catch((error: unknown) => {
    throw new DependencyError('redis', 'the end of a session cannot be told', { cause: error });
  });
}

function decode(record: EventRecord): AccountEvent {
  checkSchemaVersion(record);
  try {
    return fromBinary(AccountEventSchema, record.value ?? new Uint8Array());
  } catch {
    throw new PoisonError('UNDECODABLE', 'the value is not an AccountEvent');
  }
}
