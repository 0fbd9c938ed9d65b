import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type DeviceFactsSchema,
  EventSource,
  type NodeReadingSchema,
  PushState,
  type StreamFactsSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import type {
  GetDeliveryFactsRequest,
  GetDeliveryFactsResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { type Call, unavailable } from '@realchat/rpc';
import type { FactsContext } from '../context.ts';
import { type DeviceRow, readDevices } from '../db/read-devices.ts';
import { epochTag } from '../domain/cursor.ts';
import { placeOf } from '../domain/log-place.ts';
import type { Remembered } from '../domain/stream-book.ts';
import type { PushFate } from '../domain/stream-record.ts';
import { within } from '../within.ts';

/** Streams that ended so long before a commit cannot have carried it, whatever the difference of two machines' clocks. */
const CLOCKS_APART_MS = 5_000;
const DEVICES_MS = 1_000;

/** What this node knows of an event and a user. */
export async function getDeliveryFacts(
  context: FactsContext,
  call: Call,
  request: GetDeliveryFactsRequest,
): Promise<MessageInitShape<typeof GetDeliveryFactsResponseSchema>> {
  const { log, streams } = context;
  const { userId, shard, commitTime } = request;
  const position = Number(request.position);
  const node = readingOf(context, shard, position);
  const since = (commitTime ? timestampMs(commitTime) : 0) - CLOCKS_APART_MS - performance.timeOrigin;

  const remembered = streams.find(userId, log.epoch, since);
  const facts = {
    node,
    streams: remembered.map((each) => streamFacts(each, shard, position)),
    streamsForgotten: streams.hasForgotten(userId, since),
  };
  const asked = { userId, shard, epochTag: epochTag(log.epoch) };
  const devices = await within(DEVICES_MS, readDevices(context.pool, asked), (error) =>
    call.log.warn({ err: error }, 'devices could not be read'),
  );
  return { ...facts, devices: (devices ?? []).map(deviceFacts), devicesKnown: devices !== undefined };
}

function readingOf(
  { nodeId, log, reads }: FactsContext,
  shard: number,
  position: number,
): MessageInitShape<typeof NodeReadingSchema> {
  const tail = log.tail(shard);
  if (!tail) throw unavailable('the event log is not known yet');
  const read = reads.find(placeOf(shard, position));
  const kafka = read !== undefined && read.detail >= 0;
  return {
    nodeId,
    tailPosition: BigInt(tail.position),
    startPosition: BigInt(log.start.positions[shard] ?? 0),
    startTime: timeOf(log.start.at),
    ...(read && { readTime: timeOf(read.at), source: kafka ? EventSource.KAFKA : EventSource.DATABASE }),
    offset: BigInt(kafka ? read.detail : -1),
  };
}

const STATES: Record<PushFate, PushState> = {
  pushed: PushState.PUSHED,
  waiting: PushState.WAITING,
  dropped: PushState.DROPPED,
  covered: PushState.COVERED,
  before: PushState.BEFORE,
  opening: PushState.OPENING,
  unread: PushState.UNREAD,
  'passed-over': PushState.PASSED_OVER,
  forgotten: PushState.FORGOTTEN,
};

function streamFacts(
  { record, written, waiting }: Remembered,
  shard: number,
  position: number,
): MessageInitShape<typeof StreamFactsSchema> {
  const { fate, at, backfill } = record.pushOf(shard, position, written);
  return {
    deviceId: record.deviceId,
    openTime: timeOf(record.openedAt),
    ...(record.liveAt !== undefined && { liveTime: timeOf(record.liveAt) }),
    ...(record.end && { endTime: timeOf(record.end.at), endReason: record.end.reason }),
    push: STATES[fate],
    ...(at !== undefined && { pushTime: timeOf(at) }),
    backfill,
    waitingFrames: BigInt(waiting),
  };
}

function deviceFacts(row: DeviceRow): MessageInitShape<typeof DeviceFactsSchema> {
  return {
    deviceId: row.device_id,
    acknowledgedPosition: row.acknowledged,
    ...(row.acknowledge_time && { acknowledgeTime: timestampFromDate(row.acknowledge_time) }),
    lastSeenTime: timestampFromDate(row.last_seen_time),
  };
}

/** A time by `performance.now()` as the clock had it. */
function timeOf(at: number): Timestamp {
  return timestampFromMs(Math.round(performance.timeOrigin + at));
}
