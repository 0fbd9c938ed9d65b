import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReadLogRequest, ReadLogResponseSchema } from '@realchat/gen/realchat/messaging/v1/log_service';
import type { LogContext } from '../context.ts';
import { readHeads, readShard } from '../db/read-log.ts';
import { toLogRecord, withinBytes } from './log-record.ts';

const DEFAULT_PAGE_SIZE = 500;

/** Returns a piece of a shard's log, and how far it is complete. */
export async function readLog(
  context: LogContext,
  request: ReadLogRequest,
): Promise<MessageInitShape<typeof ReadLogResponseSchema>> {
  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  // The head first: all rows up to it are committed by the time that the rows are read.
  const head = (await readHeads(context.pool))[request.shard] ?? 0n;
  const rows = await readShard(context.pool, request.shard, request.afterPosition, size);
  const page = withinBytes(rows);
  const last = page.at(-1)?.position ?? request.afterPosition;
  const complete = page.length === rows.length && rows.length < size;
  return { records: page.map(toLogRecord), throughPosition: complete && head > last ? head : last };
}
