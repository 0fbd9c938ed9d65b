import type { HostPort } from '@realchat/config';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import type { Identity } from '@realchat/identity';
import { Code, createGrpcClient } from '@realchat/rpc';
import type { LogEntry } from '../domain/log-entry.ts';
import { BacklogTooLargeError, type Snapshot } from '../domain/open-session.ts';
import { entryOfLog, frameOfLog } from './entries.ts';

/** Where the log stands. */
export interface Heads {
  epoch: string;
  /** By shard id. */
  heads: number[];
}

/** A piece of a shard's log. */
export interface LogPage {
  entries: LogEntry[];
  /** Complete up to here. */
  through: number;
}

/** The event log as the database has it, read through messaging. Each rejects when messaging is away. */
export interface LogReader {
  readHeads(): Promise<Heads>;
  readLog(shard: number, after: number): Promise<LogPage>;
  /** Throws BacklogTooLargeError. */
  readSnapshot(userId: string, after: readonly number[] | undefined): Promise<Snapshot>;
  close(): void;
}

const HEADS_DEADLINE_MS = 2_000;
const LOG_DEADLINE_MS = 5_000;
const PAGE_SIZE = 500;

/** Reads from messaging's internal listeners. `maxReplay` is how many missed events a snapshot may hold. */
export function createLogReader(options: {
  addresses: readonly HostPort[];
  identity: Identity | undefined;
  maxReplay: number;
}): LogReader {
  const client = createGrpcClient(LogService, options.addresses, {
    identity: options.identity,
    deadlineMs: LOG_DEADLINE_MS,
  });
  return {
    async readHeads() {
      const { epoch, heads } = await client.readHeads({}, { deadlineMs: HEADS_DEADLINE_MS });
      return { epoch, heads: heads.map(Number) };
    },
    async readLog(shard, after) {
      const page = await client.readLog({ shard, afterPosition: BigInt(after), pageSize: PAGE_SIZE });
      return { entries: page.records.map(entryOfLog), through: Number(page.throughPosition) };
    },
    async readSnapshot(userId, after) {
      const request = { userId, afterPositions: after?.map(BigInt) ?? [], maxEvents: options.maxReplay };
      try {
        const { conversationIds, records, heads } = await client.readSession(request);
        return { conversationIds, missed: records.map(frameOfLog), heads: heads.map(Number) };
      } catch (error) {
        if (!hasCode(error, Code.OUT_OF_RANGE)) throw error;
        throw new BacklogTooLargeError('more was missed than is replayed', { cause: error });
      }
    },
    close: () => client.close(),
  };
}

function hasCode(error: unknown, code: Code): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
