import { randomUUID } from 'node:crypto';
import { parseConfig } from '@realchat/config';
import { CONVERSATION_EVENTS, createEventLog, deadLetterTopicOf, type EventRecord } from '@realchat/eventlog';
import { createTestDatabase, redisUrl, silentTelemetry, type TestKafka, until } from '@realchat/testkit';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { deliverySettings } from '../config.ts';
import { migrations } from '../db/migrations/index.ts';
import { MemoryLog } from './memory-log.ts';
import { startMessaging } from './stage-messaging.ts';
import { type StageNode, startNode } from './stage-node.ts';
import { startProcess } from './stage-process.ts';
import { startRelay } from './stage-relay.ts';

/** A delivery process with real Kafka and real sockets; messaging's log is in memory, behind a real LogService. */
export type Stage = Awaited<ReturnType<typeof startStage>>;

export async function startStage(kafka: TestKafka, settings: Record<string, string> = {}) {
  const memory = new MemoryLog(CONVERSATION_EVENTS.partitions);
  const issuer = await startIssuer();
  const messaging = await startMessaging(memory);
  const { log, metrics } = silentTelemetry();
  const [host = '', port = ''] = kafka.broker.split(':');
  const eventLog = createEventLog({ brokers: [{ host, port: Number(port) }], clientId: 'stage', log, metrics });
  await eventLog.ensureTopics();
  const relay = startRelay(memory, eventLog);
  const environment = {
    GRPC_LISTEN: '127.0.0.1:0',
    INTERNAL_LISTEN: '127.0.0.1:0',
    OPS_LISTEN: '127.0.0.1:0',
    MESSAGING_INTERNAL: `127.0.0.1:${messaging.port}`,
    KAFKA_BROKERS: kafka.broker,
    JWKS_URL: issuer.url,
    REDIS_URL: redisUrl(),
    DATABASE_URL: settings['DATABASE_URL'] ?? (await createTestDatabase(migrations)),
    TOKEN_ISSUER: ISSUER,
    TOKEN_AUDIENCE: AUDIENCE,
    CURSOR_SECRET: 'a secret for tests, long enough for them',
    DRAIN_MS: '200',
    ...settings,
  };
  const config = parseConfig(deliverySettings, environment);
  const node = await startNode(config, issuer);
  const others: StageNode[] = [];
  const kills: (() => void)[] = [];

  return {
    memory,
    messaging,
    relay,
    eventLog,
    node,
    lines: () => node.lines(),
    counted: node.counted,
    connected: node.connected,
    open: (...args: Parameters<StageNode['open']>) => node.open(...args),
    openWithToken: (token: string) => node.openWithToken(token),
    /** Starts another node beside the first. */
    async anotherNode(more: Record<string, string> = {}): Promise<StageNode> {
      const other = await startNode(parseConfig(deliverySettings, { ...environment, ...more }), issuer);
      others.push(other);
      return other;
    },
    /** Starts a node in a process of its own, which can be killed. */
    async processNode() {
      const other = await startProcess(environment, issuer);
      kills.push(other.kill);
      return other;
    },
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
    stopService: () => node.stop(),
    /** Starts another one in its place. */
    startService: () => node.start(),
    async stop() {
      for (const kill of kills) kill();
      for (const each of [node, ...others]) await each.stop();
      await messaging.stop();
      await eventLog.stop();
      await issuer.stop();
    },
  };
}
