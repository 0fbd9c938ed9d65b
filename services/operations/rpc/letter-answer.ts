import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { DeadLetterSchema } from '@realchat/gen/realchat/operations/v1/dead_letter';
import { Code, RpcError } from '@realchat/rpc';
import type { Coordinates, StoredLetter } from '../db/letter-row.ts';
import { letterId } from '../domain/letter-id.ts';

/** A dead letter as the contract has it. */
export function toDeadLetter(letter: StoredLetter): MessageInitShape<typeof DeadLetterSchema> {
  return {
    deadLetterId: letterId(letter),
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    key: letter.keyText,
    readers: letter.readers,
    errorClass: letter.errorClass,
    errorMessage: letter.errorMessage,
    attempts: letter.attempts,
    firstAttemptTime: timestampFromDate(letter.firstAttempt),
    lastAttemptTime: timestampFromDate(letter.lastAttempt),
    recordTime: timestampFromDate(letter.recordTime),
    traceId: letter.traceId,
    schemaVersion: letter.schemaVersion,
    state: letter.state,
    replays: letter.replays,
    failedOffset: letter.failedOffset,
    stateTime: timestampFromDate(letter.stateTime),
    operatorId: letter.operatorId,
    discardReason: letter.discardReason,
  };
}

export function deadLetterNotFound(letter: Coordinates): RpcError {
  return new RpcError(Code.NOT_FOUND, 'DEAD_LETTER_NOT_FOUND', `there is no dead letter ${letterId(letter)}`);
}
