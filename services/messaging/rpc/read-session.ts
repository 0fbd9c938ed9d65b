import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReadSessionRequest, ReadSessionResponseSchema } from '@realchat/gen/realchat/messaging/v1/log_service';
import { Code, RpcError } from '@realchat/rpc';
import type { LogContext } from '../context.ts';
import { readSessionSnapshot } from '../db/read-log.ts';
import { SHARD_COUNT } from '../domain/shard.ts';
import { MAX_ANSWER_BYTES, toLogRecord, withinBytes } from './log-record.ts';

/** Returns, from one snapshot, what a user's stream needs to start. */
export async function readSession(
  context: LogContext,
  request: ReadSessionRequest,
): Promise<MessageInitShape<typeof ReadSessionResponseSchema>> {
  const { userId, afterPositions, maxEvents } = request;
  if (afterPositions.length !== 0 && afterPositions.length !== SHARD_COUNT) {
    throw new RpcError(
      Code.INVALID_ARGUMENT,
      'INVALID_REQUEST',
      `after_positions: one of each of the ${SHARD_COUNT} shards`,
    );
  }
  const after = afterPositions.length ? afterPositions : undefined;
  const { heads, conversationIds, rows } = await readSessionSnapshot(context.pool, userId, after, {
    events: maxEvents,
    bytes: MAX_ANSWER_BYTES,
  });
  if (rows.length > maxEvents || withinBytes(rows).length < rows.length)
    throw tooLarge('more was missed than is replayed');
  if (after?.some((position, shard) => position > (heads[shard] ?? 0n))) throw tooLarge('a position is beyond the log');
  return { conversationIds, heads, records: rows.map(toLogRecord) };
}

function tooLarge(message: string): RpcError {
  return new RpcError(Code.OUT_OF_RANGE, 'BACKLOG_TOO_LARGE', message);
}
