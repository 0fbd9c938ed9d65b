import { fromBinary } from '@bufbuild/protobuf';
import { type EventRecord, encodeConversationRecord, Headers } from '@realchat/eventlog';
import {
  ResetReason,
  type SubscribeResponse,
  SubscribeResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { LogRecord } from '@realchat/gen/realchat/messaging/v1/log_service';
import { type Call, type Encoded, RpcError } from '@realchat/rpc';
import type { DeliveryContext } from '../context.ts';
import { Cursors } from '../domain/cursor.ts';
import { logChanged } from '../domain/endings.ts';
import { Hub } from '../domain/hub.ts';
import { NodeLog } from '../domain/node-log.ts';
import { BacklogTooLargeError } from '../domain/open-session.ts';
import { createPlace } from '../domain/place.ts';
import { QueueBudget } from '../domain/queue-budget.ts';
import type { Session } from '../domain/session.ts';
import { Sessions } from '../domain/sessions.ts';
import { StreamBook } from '../domain/stream-book.ts';
import type { Events } from '../events.ts';
import { entryOfLog, frameOfLog } from '../log/entries.ts';
import { HeadWatch } from '../log/head-watch.ts';
import { Repairer } from '../log/repairer.ts';
import { takeRecords } from '../log/topic-reader.ts';
import { subscribe } from '../rpc/subscribe.ts';
import { type EventId, idOf, type MemoryLog } from './memory-log.ts';

/** A call to messaging that is on its way: it reads when it is told to, and answers when it is told to. */
interface PendingCall {
  read: () => void;
  answer: () => void;
  hasRead: boolean;
}

const MAX_REPLAY = 25;
const PAGE = 3;
export const cursors = new Cursors('a secret of the model, long enough');

/** What a client of the model saw. */
export interface ModelClient {
  userId: string;
  /** The positions of the cursor that it came with; undefined: it came without. */
  from: readonly number[] | undefined;
  frames: SubscribeResponse[];
  /** Takes nothing more until `unblock`. */
  block(): void;
  unblock(): void;
  close(): void;
  /** The connection breaks, of which nobody is told. */
  cut(): void;
  /** Why the stream has ended. */
  ended: string | undefined;
}

/** Makes what a node knows of the log. */
export type CreateLog = (...parameters: ConstructorParameters<typeof NodeLog<EventRecord>>) => NodeLog<EventRecord>;

/** Parts of a node that a test replaces. */
export interface ModelParts {
  createLog?: CreateLog;
}

/** A delivery node with all of its parts but sockets, Kafka and clocks, over a log in memory. */
export function createModelNode(
  memory: MemoryLog,
  { createLog = (limits, onApplied) => new NodeLog(limits, onApplied) }: ModelParts = {},
) {
  const pending: PendingCall[] = [];
  const deadLetters: EventRecord[] = [];
  const call = <T>(read: () => T): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let settle = () => {};
    const entry: PendingCall = {
      hasRead: false,
      read() {
        entry.hasRead = true;
        try {
          const result = read();
          settle = () => resolve(result);
        } catch (error) {
          settle = () => reject(error as Error);
        }
      },
      answer() {
        pending.splice(pending.indexOf(entry), 1);
        settle();
      },
    };
    pending.push(entry);
    return promise;
  };

  const hub = new Hub();
  const sessions = new Sessions<Session>({ perUser: 100, perNode: 1_000 }, 1);
  const log = createLog({ ring: { entries: 6, bytes: 10_000 }, ahead: { entries: 3, bytes: 10_000 } }, (entry) =>
    hub.publish(entry),
  );
  const repairer = new Repairer<EventRecord>({
    log,
    readLog: (shard, after) =>
      call(() => {
        const { records, through } = memory.read(shard, after, PAGE);
        return { entries: records.map(entryOfLog), through };
      }),
    onRepair: () => {},
    onForeign: (records) => deadLetters.push(...records),
  });
  const watch = new HeadWatch({
    log,
    readHeads: () => call(() => ({ epoch: memory.epoch, heads: memory.heads() })),
    silent: () => false,
    suspected: () => false,
    onBehind: (shard) => repairer.repair(shard),
    onReplaced({ epoch, heads }, known) {
      log.startAt(epoch, heads);
      if (known) sessions.endAll(logChanged);
    },
    onFailure: () => {},
  });
  let looking: Promise<void> | undefined;
  const streams = new StreamBook({ ended: 1_000, forgotten: 1 });
  const context: DeliveryContext = {
    log,
    hub,
    sessions,
    streams,
    cursors,
    place: createPlace(log, cursors),
    budget: new QueueBudget(1_000_000),
    queueLimits: { frames: 8, bytes: 100_000 },
    readSnapshot: (session, after) =>
      call(() => {
        const snapshot = memory.session(session.userId, after ?? [], MAX_REPLAY);
        if (!snapshot) throw new BacklogTooLargeError();
        const missed = snapshot.records.map(frameOfLog);
        return { conversationIds: snapshot.conversationIds, heads: snapshot.heads, missed };
      }),
    events: silentEvents(),
    leases: { opened: () => {}, closed: () => {} },
    devices: { seen: () => {} },
    isRevoked: () => false,
  };

  return {
    log,
    hub,
    sessions,
    streams,
    budget: context.budget,
    pending,
    deadLetters,
    /** Looks where the log stands, one look at a time. */
    look(): Promise<void> {
      looking ??= watch
        .look()
        .catch(() => {})
        .finally(() => {
          looking = undefined;
        });
      return looking;
    },
    take: (record: EventRecord) =>
      takeRecords(
        {
          log,
          deadLetter: async (poison) => void deadLetters.push(poison),
          onBehind: (shard) => repairer.repair(shard),
          onKnown: () => {},
        },
        [record],
      ),
    connect: (userId: string, cursor?: Uint8Array) => connect(context, userId, cursor ?? new Uint8Array()),
  };
}

function connect(context: DeliveryContext, userId: string, cursor: Uint8Array): ModelClient {
  const frames: SubscribeResponse[] = [];
  let blocked: PromiseWithResolvers<void> | undefined;
  const gone = new AbortController();
  let broken = false;
  const stream = {
    write(frame: Encoded) {
      if (!broken) frames.push(fromBinary(SubscribeResponseSchema, frame.bytes));
      return blocked === undefined;
    },
    drained: () => blocked?.promise ?? Promise.resolve(),
  };
  const client: ModelClient = {
    userId,
    from: cursor.length ? cursors.open(cursor, userId).positions : undefined,
    frames,
    block: () => {
      blocked ??= Promise.withResolvers<void>();
    },
    unblock() {
      blocked?.resolve();
      blocked = undefined;
    },
    close: () => gone.abort(),
    cut() {
      broken = true;
      gone.abort();
    },
    ended: undefined,
  };
  const call = { caller: { userId, expiresAt: Number.POSITIVE_INFINITY }, signal: gone.signal } as unknown as Call;
  subscribe(context, call, { cursor } as never, stream as never).catch((error: Error) => {
    client.ended = error instanceof RpcError ? error.reason : error.message;
  });
  return client;
}

/** A record of the log as it comes out of the topic. */
export function asTopicRecord(record: LogRecord): EventRecord {
  const { topic, partition, key, value, headers } = encodeConversationRecord(record);
  return {
    topic,
    partition,
    offset: record.position,
    timestampMs: 0,
    key: Buffer.from(String(key)),
    value,
    headers: new Headers(headers),
  };
}

/** The events of a client's stream in order, with what frames of other kinds stood where. */
export function eventsOf(frames: SubscribeResponse[], shardOf: (conversationId: string) => number): EventId[] {
  return frames.flatMap(({ frame }) =>
    frame.case === 'event' ? [idOf(frame.value, shardOf(frame.value.conversationId))] : [],
  );
}

export function wasReset(frames: SubscribeResponse[]): boolean {
  return frames.some(({ frame }) => frame.case === 'reset' && frame.value.reason !== ResetReason.SLOW_CONSUMER);
}

export function silentEvents(): Events {
  const nothing = () => {};
  return {
    applied: nothing,
    known: nothing,
    repair: nothing,
    foreign: nothing,
    kafka: nothing,
    logKnown: nothing,
    logReplaced: nothing,
    messagingAway: nothing,
    sessionOpened: nothing,
    sessionEnded: nothing,
    typingSwallowed: nothing,
    devicesWritten: nothing,
    deviceDropped: nothing,
    devicesPurged: nothing,
    whispered: nothing,
  };
}
