import { setTimeout as delay } from 'node:timers/promises';
import { CONVERSATION_EVENTS, type EventLog, type EventRecord, PoisonError, type Tail } from '@realchat/eventlog';
import type { NodeLog } from '../domain/node-log.ts';
import type { Events } from '../events.ts';
import { HeadWatch } from './head-watch.ts';
import type { Heads, LogReader } from './log-reader.ts';
import { Repairer } from './repairer.ts';
import { takeRecords } from './topic-reader.ts';

/** Names this reader in dead letters, logs and metrics. */
const READER = 'delivery';
/** So long after a repair Kafka is not quite trusted, in milliseconds. */
const SUSPICION_MS = 5_000;
const SET_ASIDE_RETRY_MS = 1_000;

interface Options {
  log: NodeLog<EventRecord>;
  reader: Pick<LogReader, 'readHeads' | 'readLog'>;
  eventLog: Pick<EventLog, 'tail' | 'deadLetter'>;
  events: Events;
  /** Another log has taken the place of the known one: what sessions have got may not be in it. */
  onReplaced: () => void;
}

/** Keeps a node's log up with the log: by Kafka, and by the database wherever Kafka does not. */
export interface LogFollower {
  /** How many events the database had at the last look and this node had not. */
  readonly lag: number;
  /** Starts in the background; neither Kafka nor messaging need be there. */
  start(): void;
  stop(): Promise<void>;
}

export function createLogFollower({ log, reader, eventLog, events, onReplaced }: Options): LogFollower {
  const stopping = new AbortController();
  let connected = false;
  let tail: Tail | undefined;

  const repairer = new Repairer<EventRecord>({
    log,
    readLog: (shard, after) => reader.readLog(shard, after),
    onRepair: events.repair,
    onForeign(records) {
      events.foreign(records.length);
      for (const record of records) void setAsideForeign(record);
    },
  });
  const watch = new HeadWatch({
    log,
    readHeads: () => reader.readHeads(),
    silent: () => !connected,
    suspected: () => !connected || performance.now() - repairer.lastRepairAt < SUSPICION_MS,
    onBehind: (shard) => repairer.repair(shard),
    onReplaced: begin,
    onFailure: events.messagingAway,
  });

  function begin({ epoch, heads }: Heads, known: boolean): void {
    log.startAt(epoch, heads);
    if (!known) {
      events.logKnown(epoch);
      return;
    }
    events.logReplaced(epoch);
    onReplaced();
  }

  async function setAsideForeign(record: EventRecord): Promise<void> {
    const error = new PoisonError('NOT_IN_LOG', 'the database has no event at this position');
    while (!stopping.signal.aborted) {
      try {
        return await eventLog.deadLetter(record, error, { reader: READER });
      } catch {
        await delay(SET_ASIDE_RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  }

  return {
    get lag() {
      return watch.lag;
    },
    start() {
      watch.start();
      tail = eventLog.tail({
        reader: READER,
        topics: [CONVERSATION_EVENTS.name],
        from: 'latest',
        onRecords: (records) =>
          takeRecords(
            {
              log,
              deadLetter: (record, error) => eventLog.deadLetter(record, error, { reader: READER }),
              onBehind: (shard) => repairer.repair(shard),
              onKnown: events.known,
            },
            records,
          ),
        onConnected() {
          connected = true;
          events.kafka('connected');
        },
        onDisconnected(reason) {
          connected = false;
          events.kafka('disconnected', reason);
        },
      });
    },
    async stop() {
      stopping.abort();
      await watch.stop();
      await tail?.stop();
      await repairer.stop();
    },
  };
}
