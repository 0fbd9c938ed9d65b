import { randomUUID } from 'node:crypto';
import { parseConfig } from '@realchat/config';
import {
  CONVERSATION_EVENTS,
  createEventLog,
  deadLetterTopicOf,
  type EventLog,
  type EventRecord,
  encodeConversationRecord,
  type OutgoingRecord,
} from '@realchat/eventlog';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { Code, createGrpcServer, implement, RpcError, unavailable } from '@realchat/rpc';
import { recordedTelemetry, redisUrl, silentTelemetry, type TestKafka, until } from '@realchat/testkit';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { deliverySettings } from '../config.ts';
import { createDeliveryService } from '../service.ts';
import { MemoryLog } from './memory-log.ts';
import { openStream } from './stream-client.ts';

/** A delivery process with real Kafka and real sockets; messaging's log is in memory, behind a real LogService. */
export type Stage = Awaited<ReturnType<typeof startStage>>;

export async function startStage(kafka: TestKafka, settings: Record<string, string> = {}) {
  const memory = new MemoryLog(CONVERSATION_EVENTS.partitions);
  const issuer = await startIssuer();
  const messaging = await startLogService(memory);
  const { log, metrics } = silentTelemetry();
  const [host = '', port = ''] = kafka.broker.split(':');
  const eventLog = createEventLog({ brokers: [{ host, port: Number(port) }], clientId: 'stage', log, metrics });
  await eventLog.ensureTopics();
  const relay = startRelay(memory, eventLog);
  const config = parseConfig(deliverySettings, {
    GRPC_LISTEN: '127.0.0.1:0',
    OPS_LISTEN: '127.0.0.1:0',
    MESSAGING_INTERNAL: `127.0.0.1:${messaging.port}`,
    KAFKA_BROKERS: kafka.broker,
    JWKS_URL: issuer.url,
    REDIS_URL: redisUrl(),
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
    CURSOR_SECRET: 'a secret for tests, long enough for them',
    DRAIN_MS: '200',
    ...settings,
  });
  let telemetry = recordedTelemetry();
  let service = createDeliveryService(config, telemetry);
  const ops = (path: string) => fetch(`http://127.0.0.1:${service.ports.ops}${path}`);
  const counted = async (name: string, labels = '') => {
    const text = await (await ops('/metrics')).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(labels));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const connected = () =>
    until('Kafka is connected', async () => (await counted('eventlog_reader_connected')) === 1, 30_000);
  const start = async () => {
    await service.start();
    await until('it is ready', async () => (await ops('/readyz')).ok);
    await connected();
  };
  await start();

  return {
    memory,
    messaging,
    relay,
    eventLog,
    lines: () => telemetry.lines,
    counted,
    connected,
    /** Opens a stream of a user. */
    async open(userId: string, cursor?: Uint8Array, claims: Record<string, unknown> = {}) {
      const token = await issuer.sign({ sub: userId, ...claims });
      return openStream(service.ports.grpc, token, cursor);
    },
    openWithToken: (token: string) => openStream(service.ports.grpc, token),
    /** A conversation with these members, each with a new id, in some shard. */
    converse(members: string[], shard = Math.floor(Math.random() * CONVERSATION_EVENTS.partitions)): string {
      const id = randomUUID();
      memory.create(id, shard, members);
      return id;
    },
    /** Everything that was set aside. */
    async deadLetters(count: number): Promise<EventRecord[]> {
      const found: EventRecord[] = [];
      const tail = eventLog.tail({
        reader: 'dead-letters',
        topics: [deadLetterTopicOf(CONVERSATION_EVENTS.name)],
        from: 'earliest',
        onRecords: (records) => void found.push(...records),
      });
      await until(`${count} dead letters`, () => found.length >= count, 20_000);
      await tail.stop();
      return found;
    },
    /** Stops the process, as on SIGTERM. */
    stopService: () => service.stop(),
    /** Starts another one in its place. */
    async startService() {
      telemetry = recordedTelemetry();
      service = createDeliveryService(config, telemetry);
      await start();
    },
    async stop() {
      await service.stop();
      await messaging.stop();
      await eventLog.stop();
      await issuer.stop();
    },
  };
}

/** Messaging's internal listener over a log in memory. */
async function startLogService(memory: MemoryLog) {
  const state = { away: false };
  const answer = async <T>(read: () => T): Promise<T> => {
    if (state.away) throw unavailable('messaging is held');
    return read();
  };
  const server = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    implementations: [
      implement(LogService, {
        readHeads: () => answer(() => ({ epoch: memory.epoch, heads: memory.heads().map(BigInt) })),
        readLog: (_call, { shard, afterPosition, pageSize }) =>
          answer(() => {
            const { records, through } = memory.read(shard, Number(afterPosition), pageSize || 500);
            return { records, throughPosition: BigInt(through) };
          }),
        readSession: (_call, { userId, afterPositions, maxEvents }) =>
          answer(() => {
            const session = memory.session(userId, afterPositions.map(Number), maxEvents);
            if (!session) throw new RpcError(Code.OUT_OF_RANGE, 'BACKLOG_TOO_LARGE', 'too much was missed');
            return { ...session, heads: session.heads.map(BigInt) };
          }),
      }),
    ],
    ...silentTelemetry(),
  });
  await server.start();
  return {
    port: server.port,
    hold: () => {
      state.away = true;
    },
    release: () => {
      state.away = false;
    },
    stop: () => server.stop(1_000),
  };
}

/** Publishes what is committed, in order, one send at a time, for as long as it takes. */
function startRelay(memory: MemoryLog, eventLog: EventLog) {
  const producer = eventLog.producer({ sendTimeoutMs: 5_000 });
  const waiting: OutgoingRecord[] = [];
  let held = false;
  let sending = false;
  const pump = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length > 0 && !held) {
      const batch = waiting.slice(0, 500);
      const sent = await producer.send(batch).then(
        () => true,
        () => false,
      );
      if (sent) waiting.splice(0, batch.length);
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
    sending = false;
  };
  memory.onCommit = (record) => {
    waiting.push(encodeConversationRecord(record));
    void pump();
  };
  return {
    /** Holds back what is committed from now on. */
    hold: async () => {
      await until('the relay is idle', () => !sending && waiting.length === 0);
      held = true;
    },
    release: () => {
      held = false;
      void pump();
    },
    /** Changes a record that waits, by its place; needs a held relay. */
    change: (index: number, to: Partial<OutgoingRecord>) => {
      waiting[index] = { ...(waiting[index] as OutgoingRecord), ...to };
    },
    /** Sends a record that is nobody's. */
    inject: (record: OutgoingRecord) => producer.send([record]),
  };
}
