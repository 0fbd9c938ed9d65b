/**
 * The one door to kafkajs. It is no longer maintained, so four of its faults are mended here, before its first use and
 * against exactly the version that was read:
 * - an idle connection checks its empty queue about every millisecond, with a negative timeout (kafkajs issues 1704 and
 *   1751): `mendRequestQueue`;
 * - one batch of records that it cannot decode ends the consumer, again and again: `mendBatchDecoder`;
 * - zstd is missing, and nothing limits what a compressed batch unpacks to: `mendCodecs`;
 * - a consumer whose clock is set back sends no heartbeat until it has caught up, and its group puts it out again and again:
 *   `mendHeartbeat`.
 */
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type * as kafkajs from 'kafkajs';

const require = createRequire(import.meta.url);
const EXPECTED_VERSION = '2.2.4';
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

/** In place of the records of a batch that could not be decoded. Its offset is the batch's last, so that reading goes on. */
export interface UndecodableBatch {
  firstOffset: bigint;
  /** Why, as a constant. */
  reason: 'UNSUPPORTED_CODEC' | 'UNDECODABLE_BATCH';
  detail: string;
}

/** The mark on a message that stands for a batch. */
export const UNDECODABLE = Symbol('undecodable batch');

const { version } = require('kafkajs/package.json') as { version: string };
if (version !== EXPECTED_VERSION) {
  throw new Error(`kafkajs ${version} is installed, but the mends in this file were made for ${EXPECTED_VERSION}`);
}
mendRequestQueue();
mendCodecs();
mendBatchDecoder();
mendHeartbeat();

export const { Kafka, logLevel } = require('kafkajs') as typeof kafkajs;

/** What kafkajs has under its consumers: connections to brokers. Only what is used here. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  /** The partitions by the id of the broker that leads them. */
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  findBroker(where: { nodeId: string }): Promise<{ fetch(request: FetchRequest): Promise<FetchResponse> }>;
}

interface FetchRequest {
  maxWaitTime: number;
  minBytes: number;
  maxBytes: number;
  isolationLevel: number;
  topics: {
    topic: string;
    partitions: { partition: number; fetchOffset: string; maxBytes: number; currentLeaderEpoch: number }[];
  }[];
}

interface FetchResponse {
  responses: { partitions: { messages: (kafkajs.KafkaMessage & { isControlRecord?: boolean })[] }[] }[];
}

/** kafkajs reads only as a member of a group, which takes seconds to join; reading one record by its place takes none. */
export function openCluster(kafka: kafkajs.Kafka): Cluster {
  const made = Object.getOwnPropertySymbols(kafka).find(({ description }) => description?.endsWith(':createCluster'));
  if (!made) throw new Error('the connections of kafkajs are not where they were');
  const create = (kafka as unknown as Record<symbol, (options: { allowAutoTopicCreation: boolean }) => Cluster>)[made];
  return (create as (options: { allowAutoTopicCreation: boolean }) => Cluster)({ allowAutoTopicCreation: false });
}

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** Sets the timer only when something waits; the answer to a request in flight checks the queue anyway. */
function mendRequestQueue(): void {
  const CHECK_MS = 10;
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const throttledForMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledForMs > 0 ? throttledForMs : CHECK_MS,
    );
  };
}

interface ConsumerGroup {
  lastRequest: number;
  heartbeat: (this: ConsumerGroup, options: { interval: number }) => Promise<void>;
}

/** The time of the last request is by the clock of the machine: never in the future of it. */
function mendHeartbeat(): void {
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  const { heartbeat } = prototype;
  prototype.heartbeat = function mended(this: ConsumerGroup, options) {
    this.lastRequest = Math.min(this.lastRequest, Date.now());
    return heartbeat.call(this, options);
  };
}

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
}

function mendCodecs(): void {
  const { Codecs, Types } = require('kafkajs/src/protocol/message/compression') as {
    Codecs: Record<number, () => Codec>;
    Types: Record<'GZIP' | 'ZSTD', number>;
  };
  const limit = { maxOutputLength: MAX_UNPACKED_BYTES };
  const gzip = promisify<Buffer, Buffer>(zlib.gzip);
  const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);
  const zstd = promisify<Buffer, Buffer>(zlib.zstdCompress);
  const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);
  Codecs[Types.GZIP] = () => ({ compress: ({ buffer }) => gzip(buffer), decompress: (bytes) => gunzip(bytes, limit) });
  Codecs[Types.ZSTD] = () => ({ compress: ({ buffer }) => zstd(buffer), decompress: (bytes) => unzstd(bytes, limit) });
}

interface Decoder {
  readInt32(): number;
  canReadBytes(count: number): boolean;
  readBytes(count: number): Buffer;
}

interface RawMessage {
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, never>;
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean };
  [UNDECODABLE]?: UndecodableBatch;
}

/** Replaces the decoder of a partition's bytes in a fetch response, in the module cache, before the responses load it. */
function mendBatchDecoder(): void {
  const path = require.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages');
  const original = require(path) as (decoder: Decoder) => Promise<RawMessage[]>;
  const DecoderClass = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder;
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
    decoder: Decoder,
  ) => Promise<{ records: RawMessage[] }>;
  const decodeMessageSet = require('kafkajs/src/protocol/messageSet/decoder') as (
    decoder: Decoder,
    size: number,
  ) => Promise<RawMessage[]>;

  const decodeMessages = async (decoder: Decoder): Promise<RawMessage[]> => {
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const bytes = decoder.readBytes(size);
    if (bytes.length > MAGIC_AT && bytes.readInt8(MAGIC_AT) < 2) return decodeMessageSet(new DecoderClass(bytes), size);
    const messages: RawMessage[] = [];
    for (const batch of batchesIn(bytes)) {
      try {
        const { records } = await decodeBatch(new DecoderClass(batch));
        for (const record of records) messages.push(record);
      } catch (error) {
        messages.push(standIn(batch, error));
      }
    }
    return messages;
  };
  const cached = require.cache[path];
  if (!cached || cached.exports !== original) throw new Error('the decoder of kafkajs is not where it was');
  cached.exports = decodeMessages;
}

// Offsets inside a record batch: https://kafka.apache.org/documentation/#recordbatch
const LENGTH_AT = 8;
const LENGTH_END = 12;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const MAX_TIMESTAMP_AT = 35;
const HEADER_END = 61;

/** The whole batches in a piece of a log; the last one may be cut off by the limit of the fetch and is left out. */
function* batchesIn(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  while (start + HEADER_END <= bytes.length) {
    const end = start + LENGTH_END + bytes.readInt32BE(start + LENGTH_AT);
    if (end > bytes.length) return;
    yield bytes.subarray(start, end);
    start = end;
  }
}

function standIn(batch: Buffer, error: unknown): RawMessage {
  const firstOffset = batch.readBigInt64BE(0);
  const unsupported = error instanceof Error && error.name === 'KafkaJSNotImplemented';
  return {
    offset: String(firstOffset + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT))),
    timestamp: String(batch.readBigInt64BE(MAX_TIMESTAMP_AT)),
    key: null,
    value: batch,
    headers: {},
    isControlRecord: false,
    batchContext: { producerId: '-1', inTransaction: false },
    [UNDECODABLE]: {
      firstOffset,
      reason: unsupported ? 'UNSUPPORTED_CODEC' : 'UNDECODABLE_BATCH',
      detail: `codec ${batch.readInt16BE(ATTRIBUTES_AT) & 7}, ${error instanceof Error ? error.name : 'unknown error'}`,
    },
  };
}
