import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from '@realchat/db';
import { EventLogUnavailableError, type Producer, RecordRefusedError } from '@realchat/eventlog';
import type { Logger, Registry } from '@realchat/telemetry';
import { createBacklogGauge } from './backlog.ts';
import { createBackoff } from './backoff.ts';
import { type Batch, createBatchReader, type Run } from './batch.ts';
import { createDatabase } from './database.ts';
import { type HintListener, startHintListener } from './hint-listener.ts';
import { createLeases, type OwnedShard } from './leases.ts';
import { lingerMs } from './linger.ts';
import { createRelayMetrics } from './metrics.ts';
import type { OutboxSource } from './source.ts';
import { createStuckShards } from './stuck-shards.ts';
import { createWakeUp } from './wake-up.ts';

export interface RelayOptions {
  /** The database that holds the log and the relay's tables; the relay opens two connections of its own. */
  url: string;
  source: OutboxSource;
  /** Used by nobody else, as a failure of somebody else's send would cost it its turn. */
  producer: Producer;
  /** Names this relay in the table and in logs. */
  owner: string;
  log: Logger;
  metrics: Registry;
  /** For so long a relay that is not heard of keeps its shards, in milliseconds. Default 5,000. */
  leaseMs?: number;
}

/**
 * Publishes the rows of a log, each shard in the order of its positions, at least once: what is published again after a
 * crash or a change of hands has the same positions. Several relays of a source share its shards.
 */
export interface Relay {
  /** Starts in the background; neither the database nor the event log has to be there yet. */
  start(): void;
  /** Lets the send on the wire end and gives its shards up, so that another relay has them at once. */
  stop(): Promise<void>;
  /** What keeps it from publishing, in words; nothing when all is well. */
  problems(): string[];
}

const TICKS_PER_LEASE = 5;
// Looking for rows without having been told. Often at first while rows are found that way, which means that hints are lost.
const POLL_MS = { hinted: 100, unhinted: 10, max: 250 };
const RETRY = { minMs: 50, maxMs: 2_000 };
const STOP_MS = 3_000;

export function createRelay(options: RelayOptions): Relay {
  const { source, producer } = options;
  const leaseMs = options.leaseMs ?? 5_000;
  const log = options.log.child({ relay: source.name });
  const metrics = createRelayMetrics(options.metrics);
  const labels = { source: source.name };
  const database = createDatabase({ url: options.url, name: `relay-${source.name}` });
  const readBatch = createBatchReader(source);
  const measureBacklog = createBacklogGauge(source, metrics);
  const work = createWakeUp();
  const ticks = createWakeUp();
  const leases = createLeases({
    database,
    // A relay that comes back under its name after a kill must not take itself for the one before.
    owner: `${options.owner}/${randomUUID()}`,
    source,
    leaseMs,
    log,
    metrics,
    onTaken: () => work.wake(),
  });
  const stuck = createStuckShards({ log, metrics, source: source.name });
  /** What is away: told once when it goes and once when it comes back. */
  const away = new Set<'database' | 'event log'>();
  const stopping = new AbortController();
  let last = { rows: 0, endedAt: 0 };
  let listener: HintListener | undefined;
  let working: Promise<void> | undefined;
  let ticking: Promise<void> | undefined;

  const usable = (): OwnedShard[] => {
    const now = performance.now();
    return [...leases.owned.values()].filter(
      ({ shard, leaving, leaseEnds }) => !leaving && leaseEnds > now && !stuck.has(shard),
    );
  };

  /** One round: what is new in all of our shards, in one send. False when there was nothing. */
  const publishOnce = async (): Promise<boolean> => {
    if (leases.owned.size === 0) return false;
    const client = await database.client();
    // What the round before has published is written down on the way, in the same round trip.
    const [heads] = await Promise.all([source.readHeads(client), leases.mark()]);
    const behind = usable().filter(({ shard, acked }) => (heads[shard] ?? 0n) > acked);
    if (behind.length === 0) return false;
    const batch = await readBatch(client, behind);
    isBack('database');
    for (const { shard, acked } of batch.holes) stuck.add(shard, 'hole', acked + 1n);
    if (batch.rows === 0) return false;
    await send(batch);
    return true;
  };

  const send = async (batch: Batch): Promise<void> => {
    setBusy(batch.runs, true);
    try {
      await producer.send(batch.runs.flatMap(({ rows }) => rows.map(({ record }) => record)));
      batch.runs.forEach(acknowledge);
      observe(batch);
    } catch (error) {
      if (!(error instanceof RecordRefusedError)) throw error;
      await sendOneByOne(batch.runs);
    } finally {
      setBusy(batch.runs, false);
    }
    isBack('event log');
  };

  /** Finds out which row it is that the event log does not take, and publishes everything before it. */
  const sendOneByOne = async (runs: Run[]): Promise<void> => {
    for (const { shard, rows } of runs) {
      for (const row of rows) {
        try {
          await producer.send([row.record]);
        } catch (error) {
          if (!(error instanceof RecordRefusedError)) throw error;
          stuck.add(shard.shard, 'refused', row.position);
          break;
        }
        shard.acked = row.position;
        metrics.published.inc(labels);
      }
    }
  };

  const acknowledge = ({ shard, rows }: Run): void => {
    shard.acked += BigInt(rows.length);
    stuck.delete(shard.shard);
  };

  const observe = (batch: Batch): void => {
    last = { rows: batch.rows, endedAt: performance.now() };
    metrics.published.inc(labels, batch.rows);
    metrics.batchRows.observe(labels, batch.rows);
    metrics.batchBytes.observe(labels, batch.bytes);
    const oldest = Math.min(...batch.runs.map(({ rows }) => rows[0]?.createTimeMs ?? Number.POSITIVE_INFINITY));
    metrics.delay.observe(labels, Math.max(0, Date.now() - oldest) / 1000);
  };

  const setBusy = (runs: Run[], busy: boolean): void => {
    for (const { shard } of runs) shard.busy = busy;
  };

  const publish = async (): Promise<void> => {
    const retry = createBackoff(RETRY);
    let idleMs = POLL_MS.hinted;
    let told = true;
    while (!stopping.signal.aborted) {
      try {
        const waitMs = lingerMs({ rows: last.rows, endedAgoMs: performance.now() - last.endedAt });
        if (waitMs > 0) await delay(waitMs);
        if (await publishOnce()) {
          idleMs = told ? POLL_MS.hinted : POLL_MS.unhinted;
        } else {
          told = await work.wait(idleMs);
          idleMs = Math.min(idleMs * 2, POLL_MS.max);
        }
        retry.reset();
      } catch (error) {
        tellFailure(error);
        // Not ended by hints: under load they would make this a busy loop.
        await delay(retry.nextMs(), undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  };

  const keepLeases = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await leases.tick();
        // Also while a send takes long: that is when somebody wants to know.
        await measureBacklog(await database.client(), [...leases.owned.values()]);
        isBack('database');
      } catch (error) {
        tellFailure(error);
      }
      if (!stopping.signal.aborted) await ticks.wait(leaseMs / TICKS_PER_LEASE);
    }
  };

  const tellFailure = (error: unknown): void => {
    const what = error instanceof EventLogUnavailableError ? 'event log' : 'database';
    metrics.failures.inc({ ...labels, dependency: what });
    // Whatever it was, the next round starts on a connection that is known to be clean.
    if (what === 'database') database.drop();
    if (what === 'database' && !isDatabaseUnavailable(error)) log.error({ err: error }, 'a round failed');
    if (away.has(what)) return;
    away.add(what);
    log.warn({ err: error }, `the ${what} is away; rows wait, and nothing is lost`);
  };

  const isBack = (what: 'database' | 'event log'): void => {
    if (away.delete(what)) log.info(`the ${what} is back`);
  };

  return {
    start() {
      listener = startHintListener({
        url: options.url,
        log,
        onHint: (hint) => {
          if (hint.kind === 'free') ticks.wake();
          else if (hint.shards.some((shard) => leases.owned.has(shard))) work.wake();
        },
        onListening: () => work.wake(),
      });
      ticking = keepLeases();
      working = publish();
    },
    async stop() {
      stopping.abort();
      work.wake();
      ticks.wake();
      // A send that takes longer is given up on: whoever has the shards next sends its rows again.
      const ended = Promise.all([working, ticking]);
      await Promise.race([ended, delay(STOP_MS, undefined, { ref: false })]);
      await leases
        .mark()
        .then(() => leases.release())
        .catch((error: unknown) => log.info({ err: error }, 'shards were not given up; their leases end'));
      await listener?.stop();
      await database.stop();
    },
    problems: () => [...[...away].map((what) => `the ${what} is away`), ...stuck.problems()],
  };
}
