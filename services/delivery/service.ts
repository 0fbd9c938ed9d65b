import { createPool } from '@realchat/db';
import { createEventLog, type EventRecord } from '@realchat/eventlog';
import { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { DeliveryService as DeliveryContract } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { openIdentity } from '@realchat/identity';
import { createRevocations } from '@realchat/revocation';
import {
  createCallMetrics,
  createGrpcServer,
  createTokenVerifier,
  implement,
  isCalleeUnavailable,
  openKeyCache,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { DeliveryConfig } from './config.ts';
import type { DeliveryContext, FactsContext, TypingContext } from './context.ts';
import { createDevices } from './devices.ts';
import { Cursors } from './domain/cursor.ts';
import { logChanged } from './domain/endings.ts';
import { FactRing } from './domain/fact-ring.ts';
import { Gate } from './domain/gate.ts';
import { Hub } from './domain/hub.ts';
import { placeOf } from './domain/log-place.ts';
import { NodeLog, type NodeLogLimits } from './domain/node-log.ts';
import { createPlace } from './domain/place.ts';
import { QueueBudget } from './domain/queue-budget.ts';
import type { Session } from './domain/session.ts';
import { Sessions } from './domain/sessions.ts';
import { StreamBook } from './domain/stream-book.ts';
import { TypingPace } from './domain/typing-pace.ts';
import { createEvents } from './events.ts';
import { createLogFollower } from './log/log-follower.ts';
import { createLogReader } from './log/log-reader.ts';
import { createMemberships } from './memberships.ts';
import { createPresence } from './presence/presence.ts';
import { acknowledgeCursor } from './rpc/acknowledge-cursor.ts';
import { getDeliveryFacts } from './rpc/get-delivery-facts.ts';
import { getPresence } from './rpc/get-presence.ts';
import { setTyping } from './rpc/set-typing.ts';
import { subscribe } from './rpc/subscribe.ts';
import { watchPresence } from './rpc/watch-presence.ts';
import { createTransients } from './transients.ts';

/** Of each shard. A session that opens finds in the ring what was applied since its snapshot: some seconds are plenty. */
const LOG_LIMITS: NodeLogLimits = {
  ring: { entries: 2_048, bytes: 2 * 1024 * 1024 },
  ahead: { entries: 1_024, bytes: 1024 * 1024 },
};
/** For operators who ask: events that were read, of all shards, 24 bytes each. */
const REMEMBERED_READS = 65_536;
/** The same: streams that have ended, 2 KiB each, and users of whom one was forgotten. */
const REMEMBERED_STREAMS = { ended: 4_096, forgotten: 65_536 };
/** Snapshots that are read at once; the others wait, so that a crowd that comes back does not stampede the database. */
const SNAPSHOTS_AT_ONCE = 32;
/** Every session is looked at each TURNS * TURN_MS. */
const TURNS = 10;
const TURN_MS = 50;
const RETIRE_MS = 2_500;
const GRACE_MS = 2_000;

/** The delivery process: streams of events to those who may see them. */
export interface DeliveryService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; internal: number; ops: number };
}

export function createDeliveryService(config: DeliveryConfig, telemetry: Telemetry): DeliveryService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'delivery', telemetry);
  const budget = new QueueBudget(config.NODE_QUEUE_BYTES);
  const sessions = new Sessions<Session>({ perUser: config.MAX_STREAMS_PER_USER, perNode: config.MAX_STREAMS }, TURNS);
  const hub = new Hub();
  const reads = new FactRing(REMEMBERED_READS);
  const streams = new StreamBook(REMEMBERED_STREAMS);
  const nodeLog = new NodeLog<EventRecord>(LOG_LIMITS, (entry) => {
    reads.note(placeOf(entry.shard, entry.position), performance.now(), entry.offset);
    events.applied(entry, hub.publish(entry));
    presence.watcher.applied(entry);
  });
  const reader = createLogReader({
    addresses: config.MESSAGING_INTERNAL,
    identity,
    maxReplay: config.MAX_REPLAY_EVENTS,
  });
  const eventLog = createEventLog({ brokers: config.KAFKA_BROKERS, clientId: config.INSTANCE_ID, log, metrics });
  const events = createEvents(metrics, log, {
    sessions: () => sessions.size,
    queuedBytes: () => budget.used,
    lag: () => follower.lag,
    devicesWaiting: () => devices.waiting,
  });
  const follower = createLogFollower({
    log: nodeLog,
    reader,
    eventLog,
    events,
    onReplaced() {
      reads.clear();
      for (const kind of allStreams) kind.endAll(logChanged);
    },
  });
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const isRevoked = (loginId: string) => revocations.isRevoked(loginId);
  const memberships = createMemberships(config.MESSAGING_INTERNAL, identity);
  const pool = createPool({ url: config.DATABASE_URL, size: config.DATABASE_POOL_SIZE, name: 'delivery', log });
  const devices = createDevices(pool, events);
  const presence = createPresence({ config, memberships, devices, turns: TURNS, isRevoked, log, metrics });
  const { leases, watches, watcher } = presence;
  /** Of both kinds. */
  const allStreams = [sessions, watches];
  revocations.onRevoked((loginId) => {
    for (const kind of allStreams) kind.endLogin(loginId);
  });
  const cursors = new Cursors(config.CURSOR_SECRET);
  const gate = new Gate(SNAPSHOTS_AT_ONCE);
  const context: DeliveryContext = {
    log: nodeLog,
    hub,
    sessions,
    streams,
    cursors,
    place: createPlace(nodeLog, cursors),
    budget,
    queueLimits: { frames: config.SESSION_QUEUE_FRAMES, bytes: config.SESSION_QUEUE_BYTES },
    readSnapshot: (session, after) =>
      gate.run(() => {
        if (session.state === 'ended') throw new Error('the session ended before its snapshot was read');
        return reader.readSnapshot(session.userId, after);
      }),
    events,
    leases,
    devices,
    isRevoked,
  };
  const transients = createTransients({ redisUrl: config.REDIS_URL, hub, events, log, metrics });
  const typing: TypingContext = { hub, memberships, typingPace: new TypingPace(), transients, events };

  const keys = openKeyCache(config, identity, log);
  const callMetrics = createCallMetrics(metrics);
  const edge = createGrpcServer({
    listen: config.GRPC_LISTEN,
    identity,
    implementations: [
      implement(DeliveryContract, {
        subscribe: (call, request, stream) => subscribe(context, call, request, stream),
        acknowledgeCursor: (call, request) => acknowledgeCursor({ log: nodeLog, cursors, devices }, call, request),
        setTyping: (call, request) => setTyping(typing, call, request),
        getPresence: (call, request) => getPresence(presence.context, call, request),
        watchPresence: (call, request, stream) => watchPresence(presence.context, call, request, stream),
      }),
    ],
    tokens: createTokenVerifier({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      revoked: isRevoked,
    }),
    reflect: config.REALCHAT_MODE === 'development' ? [...PUBLIC_SERVICES] : [],
    classify,
    log,
    metrics: callMetrics,
  });
  const facts: FactsContext = { nodeId: config.INSTANCE_ID, log: nodeLog, reads, streams, pool };
  const internal = createGrpcServer({
    listen: config.INTERNAL_LISTEN,
    identity,
    implementations: [
      implement(DeliveryFactsService, {
        getDeliveryFacts: (call, request) => getDeliveryFacts(facts, call, request),
      }),
    ],
    classify,
    log,
    metrics: callMetrics,
  });
  const problems = () => [
    ...(keys.ready() ? [] : ['no token keys yet']),
    ...(nodeLog.known ? [] : ['messaging has not told yet where the event log stands']),
  ];
  const drain = (ms: number) => Promise.all(allStreams.map((kind) => kind.drain(ms)));
  let ops: OpsServer | undefined;
  let turning: NodeJS.Timeout | undefined;

  return {
    get ports() {
      return { grpc: edge.port, internal: internal.port, ops: ops?.port ?? 0 };
    },
    async start() {
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems });
      follower.start();
      transients.start();
      leases.start();
      devices.start();
      watcher.start();
      await Promise.all([keys.start(), revocations.start()]);
      turning = setInterval(() => {
        for (const kind of allStreams) kind.tick(performance.now(), Date.now());
      }, TURN_MS);
      await internal.start();
      await edge.start();
    },
    stop: () =>
      stopInOrder(log, [
        ['callers', RETIRE_MS, () => Promise.all([edge.retire(), internal.retire()])],
        ['streams', config.DRAIN_MS + 500, () => drain(config.DRAIN_MS)],
        ['grpc', GRACE_MS + 500, () => edge.stop(GRACE_MS)],
        ['internal grpc', 1_000, () => internal.stop(500)],
        ['clock', 100, () => clearInterval(turning)],
        ['watcher', 100, () => watcher.stop()],
        ['leases', 2_000, () => leases.stop()],
        ['devices', 2_000, () => devices.stop()],
        ['database', 1_000, () => pool.end()],
        ['log', 3_000, () => follower.stop()],
        ['event log', 2_000, () => eventLog.stop()],
        ['messaging', 100, () => reader.close()],
        ['memberships', 100, () => memberships.close()],
        ['transients', 100, () => transients.stop()],
        ['identity', 100, () => identity?.stop()],
        ['revocations', 100, () => revocations.stop()],
        ['keys', 100, () => keys.stop()],
        ['ops', 500, () => ops?.stop()],
      ]),
  };
}

function classify(error: unknown): RpcError | undefined {
  if (!isCalleeUnavailable(error)) return undefined;
  return unavailable('what this call needs cannot be read now; nothing is lost, come again', error);
}
