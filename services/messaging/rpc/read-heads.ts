import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReadHeadsResponseSchema } from '@realchat/gen/realchat/messaging/v1/log_service';
import type { LogContext } from '../context.ts';
import { readHeads as readHeadRows } from '../db/read-log.ts';

/** Tells where the log stands. */
export async function readHeads(context: LogContext): Promise<MessageInitShape<typeof ReadHeadsResponseSchema>> {
  return { heads: await readHeadRows(context.pool), epoch: context.epoch };
}
