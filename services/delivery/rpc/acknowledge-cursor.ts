import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AcknowledgeCursorRequest,
  AcknowledgeCursorResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { type Call, unavailable } from '@realchat/rpc';
import type { AcknowledgeContext } from '../context.ts';
import { epochTag } from '../domain/cursor.ts';

/** Notes how far the caller's device has come. It is written soon after the answer. */
export async function acknowledgeCursor(
  { log, cursors, devices }: AcknowledgeContext,
  call: Call,
  { cursor }: AcknowledgeCursorRequest,
): Promise<MessageInitShape<typeof AcknowledgeCursorResponseSchema>> {
  const { userId, deviceId } = call.caller;
  const place = cursors.open(cursor, userId);
  if (!log.known) throw unavailable('the event log is not known yet');
  const ofThisLog = Buffer.compare(place.epochTag, epochTag(log.epoch)) === 0;
  if (ofThisLog && place.positions.length === log.shardCount) devices.acknowledged(userId, deviceId, place);
  return {};
}
