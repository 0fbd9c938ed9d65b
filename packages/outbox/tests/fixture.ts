import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hostPorts } from '@realchat/config';
import { type Client, createClient } from '@realchat/db';
import { createEventLog, type EventLog, type EventRecord, type Producer } from '@realchat/eventlog';
import { recordedTelemetry, until } from '@realchat/testkit';
import { inject } from 'vitest';
import { createHinter } from '../hinter.ts';
import { createRelay, type Relay } from '../relay.ts';
import { append, createLog, isPublished, SHARDS, sourceOf } from './log.ts';

const CONVERSATIONS = 64;

/** A log, a topic, and as many relays as a test wants. */
export interface Fixture {
  url: string;
  topic: string;
  eventLog: EventLog;
  /** A relay in this process. */
  relay(owner: string, overrides?: { producer?: (real: Producer) => Producer; leaseMs?: number }): Relay;
  /** A relay in a process of its own. */
  relayProcess(owner: string, mishap?: string): RelayProcess;
  /** Writers that append until they are stopped; resolves with how many rows were committed. */
  startWriters(count: number, options?: WriterOptions): { rows(): number; stop(): Promise<number> };
  /** Waits until everything that is committed is published. */
  published(deadlineMs?: number): Promise<void>;
  /** The whole topic. */
  readBack(): Promise<EventRecord[]>;
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** How many log lines with these words were written by relays in this process. */
  logged(words: string): number;
  stop(): Promise<void>;
}

export interface WriterOptions {
  /** Rows per transaction, at most. */
  batch?: number;
  /** A pause after each transaction, in milliseconds. */
  pauseMs?: number;
  /** Before the end of a transaction; may throw to roll it back. */
  misbehave?: (client: Client) => Promise<void>;
}

export interface RelayProcess {
  child: ChildProcess;
  /** Log lines, parsed. */
  lines: Record<string, unknown>[];
  ended: Promise<NodeJS.Signals | number | null>;
}

export const LEASE_MS = 2_000;
let topics = 0;

export async function createFixture(broker: string, superuserUrl = inject('postgresUrl')): Promise<Fixture> {
  const { log, metrics, lines } = recordedTelemetry();
  const eventLog = createEventLog({ brokers: hostPorts.parse(broker), clientId: 'outbox-test', log, metrics });
  topics += 1;
  const topic = `outbox-${process.pid}-${topics}`;
  await eventLog.ensureTopics({
    topics: [
      { name: topic, partitions: SHARDS, retentionMs: 3_600_000, cleanup: 'delete', maxBatchBytes: 1024 * 1024 },
    ],
  });
  const url = await createLog(superuserUrl, CONVERSATIONS);
  const stops: (() => Promise<unknown>)[] = [];

  return {
    url,
    topic,
    eventLog,
    relay(owner, overrides = {}) {
      const real = eventLog.producer();
      const producer = overrides.producer?.(real) ?? real;
      const leaseMs = overrides.leaseMs ?? LEASE_MS;
      const relay = createRelay({ url, source: sourceOf(topic), producer, owner, log, metrics, leaseMs });
      stops.push(() => relay.stop());
      return relay;
    },
    relayProcess(owner, mishap = '') {
      const child = spawn(process.execPath, [fileURLToPath(new URL('relay-worker.ts', import.meta.url))], {
        env: {
          ...process.env,
          DATABASE_URL: url,
          KAFKA_BROKERS: broker,
          TOPIC: topic,
          OWNER: owner,
          LEASE_MS: String(LEASE_MS),
          MISHAP: mishap,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const relayLines: Record<string, unknown>[] = [];
      let rest = '';
      child.stdout.on('data', (chunk: Buffer) => {
        const complete = (rest + chunk.toString()).split('\n');
        rest = complete.pop() ?? '';
        for (const line of complete) relayLines.push(JSON.parse(line) as Record<string, unknown>);
      });
      const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
        child.on('exit', (code, signal) => resolve(signal ?? code));
      });
      stops.push(() => {
        child.kill('SIGKILL');
        return ended;
      });
      return { child, lines: relayLines, ended };
    },
    startWriters(count, options = {}) {
      let rows = 0;
      let stopped = false;
      const hinter = createHinter({ url, log });
      const write = async (): Promise<void> => {
        const client = createClient({ url, name: 'writer' });
        await client.connect();
        while (!stopped) {
          const conversations = Array.from({ length: 1 + Math.floor(Math.random() * (options.batch ?? 1)) }, () =>
            // Half of everything goes to one hot conversation.
            Math.random() < 0.5 ? 0 : Math.floor(Math.random() * CONVERSATIONS),
          );
          try {
            hinter.hint(await append(client, conversations, options.misbehave));
            rows += conversations.length;
          } catch (error) {
            if (!(error instanceof RolledBackError)) throw error;
          }
          await new Promise((resolve) => setTimeout(resolve, options.pauseMs ?? 0));
        }
        await client.end();
      };
      const writers = Array.from({ length: count }, write);
      const stop = async (): Promise<number> => {
        stopped = true;
        await Promise.all(writers);
        await hinter.stop();
        return rows;
      };
      stops.push(stop);
      return { rows: () => rows, stop };
    },
    published: async (deadlineMs = 30_000) => {
      await until('everything is published', () => isPublished(url), deadlineMs);
    },
    async readBack() {
      const found = await until(
        'the broker knows the ends',
        () => eventLog.offsets(topic).catch(() => undefined),
        30_000,
      );
      const ends = found.filter(({ high }) => high > 0n);
      const left = new Map(ends.map(({ partition, high }) => [partition, high]));
      const records: EventRecord[] = [];
      const tail = eventLog.tail({
        reader: 'read-back',
        topics: [topic],
        from: 'earliest',
        onRecords: (run) => {
          for (const record of run) {
            records.push(record);
            if (record.offset + 1n >= (left.get(record.partition) ?? 0n)) left.delete(record.partition);
          }
        },
      });
      await until('the topic is read back', () => left.size === 0, 60_000);
      await tail.stop();
      return records;
    },
    async metric(name, labels = {}) {
      const found = await metrics.getSingleMetric(name)?.get();
      const matching = (found?.values ?? []).filter((value) =>
        Object.entries(labels).every(([label, text]) => (value.labels as Record<string, unknown>)[label] === text),
      );
      return matching.reduce((sum, { value }) => sum + value, 0);
    },
    logged: (words) => lines.filter(({ message }) => message === words).length,
    async stop() {
      for (const stop of stops.reverse()) await stop();
      await eventLog.stop();
    },
  };
}

/** Thrown by a misbehaving transaction that means to be rolled back. */
export class RolledBackError extends Error {
  override name = 'RolledBackError';
}
