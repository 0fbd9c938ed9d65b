import { createPool, isDatabaseUnavailable, type Pool } from '@realchat/db';
import {
  CONVERSATION_EVENTS,
  createEventLog,
  deadLetterTopicOf,
  EVENT_SCHEMAS,
  EventLogUnavailableError,
  type GroupReader,
} from '@realchat/eventlog';
import { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { ActivityService } from '@realchat/gen/realchat/operations/v1/activity_service';
import { DeadLetterService } from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { ExplainService } from '@realchat/gen/realchat/operations/v1/explain_service';
import { openIdentity } from '@realchat/identity';
import { createRevocations } from '@realchat/revocation';
import {
  createEveryInstance,
  createGrpcClient,
  createGrpcServer,
  createTokenVerifier,
  type Implementation,
  implement,
  isCalleeUnavailable,
  type KeyCache,
  openKeyCache,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { OperationsConfig } from './config.ts';
import { countActivity } from './consumers/activity.ts';
import { classifyFailure, takeDeadLetter } from './consumers/dead-letters.ts';
import type { OperationsContext } from './context.ts';
import { measureLetters, purgeLetters } from './db/measure-letters.ts';
import { createEvents } from './events.ts';
import { discardDeadLetters } from './rpc/discard-dead-letters.ts';
import { explainDelivery } from './rpc/explain-delivery.ts';
import { getDeadLetter } from './rpc/get-dead-letter.ts';
import { listActivity } from './rpc/list-activity.ts';
import { listDeadLetters } from './rpc/list-dead-letters.ts';
import { replayDeadLetters } from './rpc/replay-dead-letters.ts';
import { watchDeadLetters } from './rpc/watch-dead-letters.ts';

const RETIRE_MS = 2_500;
const GRACE_MS = 5_000;
const MEASURE_EVERY_MS = 2_000;
const PURGE_ROWS = 1_000;
/** Counting costs by the run of records, not by the record, and nobody waits for it. */
const ACTIVITY_GATHER_MS = 1_000;
/** Who asks what became of a message waits for each service that long. */
const FACTS_DEADLINE_MS = 2_000;

/** The operations process: what operators see and do, made from the event log. */
export interface OperationsService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; ops: number };
}

export function createOperationsService(config: OperationsConfig, telemetry: Telemetry): OperationsService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'operations', telemetry);
  const pool = createPool({ url: config.DATABASE_URL, size: config.DATABASE_POOL_SIZE, name: 'operations', log });
  const eventLog = createEventLog({ brokers: config.KAFKA_BROKERS, clientId: config.INSTANCE_ID, log, metrics });
  const keys = openKeyCache(config, identity, log);
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const asking = { identity, deadlineMs: FACTS_DEADLINE_MS };
  const messageFacts = createGrpcClient(MessageFactsService, config.MESSAGING_INTERNAL, asking);
  const deliveryNodes = createEveryInstance(DeliveryFactsService, config.DELIVERY_INTERNAL, asking);
  const stopping = new AbortController();
  const events = createEvents(metrics, log);
  const context: OperationsContext = {
    pool,
    eventLog,
    producer: eventLog.producer(),
    messageFacts,
    deliveryNodes,
    events,
    isRevoked: (sessionId) => revocations.isRevoked(sessionId),
    stopping: stopping.signal,
  };
  const server = createGrpcServer({
    listen: config.GRPC_LISTEN,
    identity,
    implementations: [deadLetterService(context), activityService(context), explainService(context)],
    tokens: createTokenVerifier({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      revoked: (sessionId) => revocations.isRevoked(sessionId),
    }),
    ...(config.REALCHAT_MODE === 'development' && { reflect: [...PUBLIC_SERVICES] }),
    classify,
    log,
    metrics,
  });
  let ops: OpsServer | undefined;
  let measuring: NodeJS.Timeout | undefined;

  const measure = async (): Promise<void> => {
    try {
      events.lettersMeasured(await measureLetters(pool));
      await purgeLetters(pool, PURGE_ROWS);
    } catch (error) {
      log.warn({ err: error }, 'the dead letters could not be measured');
    }
  };

  return {
    get ports() {
      return { grpc: server.port, ops: ops?.port ?? 0 };
    },
    async start() {
      await Promise.all([keys.start(), revocations.start()]);
      const readers = Object.keys(EVENT_SCHEMAS)
        .map(deadLetterTopicOf)
        .map((topic) =>
          eventLog.consume({
            group: `operations.${topic}`,
            topic,
            classify: classifyFailure,
            eachRecord: (record) => takeDeadLetter(context, record),
          }),
        );
      readers.push(
        eventLog.consume({
          group: 'operations.activity',
          gatherMs: ACTIVITY_GATHER_MS,
          topic: CONVERSATION_EVENTS.name,
          classify: classifyFailure,
          eachBatch: (records) => countActivity(context, records),
        }),
      );
      await server.start();
      measuring = setInterval(() => void measure(), MEASURE_EVERY_MS);
      ops = await startOpsServer({
        listen: config.OPS_LISTEN,
        metrics,
        problems: createReadiness({ pool, keys, readers }),
      });
    },
    stop: () =>
      stopInOrder(log, [
        ['callers', RETIRE_MS, () => server.retire()],
        ['watchers', 100, () => stopping.abort()],
        ['grpc', GRACE_MS + 500, () => server.stop(GRACE_MS)],
        ['measuring', 100, () => clearInterval(measuring)],
        ['event log', 5_000, () => eventLog.stop()],
        ['messaging', 100, () => messageFacts.close()],
        ['delivery nodes', 100, () => deliveryNodes.close()],
        ['revocations', 100, () => revocations.stop()],
        ['keys', 1_000, () => keys.stop()],
        ['identity', 100, () => identity?.stop()],
        ['database', 2_000, () => pool.end()],
        ['ops', 1_000, () => ops?.stop()],
      ]),
  };
}

function deadLetterService(context: OperationsContext): Implementation {
  return implement(DeadLetterService, {
    listDeadLetters: (call, request) => listDeadLetters(context, call, request),
    getDeadLetter: (call, request) => getDeadLetter(context, call, request),
    replayDeadLetters: (call, request) => replayDeadLetters(context, call, request),
    discardDeadLetters: (call, request) => discardDeadLetters(context, call, request),
    watchDeadLetters: (call, request, stream) => watchDeadLetters(context, call, request, stream),
  });
}

function activityService(context: OperationsContext): Implementation {
  return implement(ActivityService, {
    listActivity: (call, request) => listActivity(context, call, request),
  });
}

function explainService(context: OperationsContext): Implementation {
  return implement(ExplainService, {
    explainDelivery: (call, request) => explainDelivery(context, call, request),
  });
}

/**
 * Waits for the readers once, so that a start is known to be whole. Later a silent event log is no reason to stop showing
 * what was read; its gauge tells.
 */
function createReadiness({ pool, keys, readers }: { pool: Pool; keys: KeyCache; readers: GroupReader[] }) {
  let haveRead = false;
  return async (): Promise<string[]> => {
    haveRead ||= readers.every(({ connected }) => connected);
    const problems: string[] = [];
    if (!keys.ready()) problems.push('no token keys yet');
    if (!haveRead) problems.push('the event log is not read yet');
    await pool.query('select 1').catch(() => problems.push('the database does not answer'));
    return problems;
  };
}

function classify(error: unknown): RpcError | undefined {
  if (isDatabaseUnavailable(error)) return unavailable('the database of operations is away; retry', error);
  if (isCalleeUnavailable(error)) return unavailable('a service that this call needs is away; retry', error);
  if (error instanceof EventLogUnavailableError) return unavailable('the event log is away; retry', error);
  return undefined;
}
