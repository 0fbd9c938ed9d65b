import type { KafkaListener, KafkaPorts } from '../kafka-listeners.ts';

export interface KafkaAddresses {
  /** The port of each listener on loopback. */
  ports: KafkaPorts;
  controllerPort: number;
  /** `host:port` that clients of a listener are told to use instead of the listener's own, such as a proxy's. */
  advertised?: Readonly<Partial<Record<KafkaListener, string>>>;
  /** From 1 on, when there is more than one. */
  node?: number;
  /** The ports of the controllers of all of them, in their order. */
  controllerPorts?: readonly number[];
}

/** Four times the default: what the relay sends at once is one record batch per partition, and one text may take 32,000 bytes of it. */
const MOST_BATCH_BYTES = 4 * 1024 * 1024;

/** The settings of a broker that is a controller too, on one machine: the only one, or one of several. */
export function serverProperties(addresses: KafkaAddresses, data: string): string {
  const { ports, controllerPort, advertised = {}, node = 1, controllerPorts = [controllerPort] } = addresses;
  const replicas = Math.min(3, controllerPorts.length);
  const inSync = replicas === 3 ? 2 : 1;
  const own = (name: KafkaListener) => `127.0.0.1:${ports[name]}`;
  const names = Object.keys(ports) as KafkaListener[];
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'controller.quorum.voters': controllerPorts.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    listeners: [...names.map((name) => `${name}://${own(name)}`), `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': names.map((name) => `${name}://${advertised[name] ?? own(name)}`).join(','),
    'listener.security.protocol.map': [...names, 'CONTROLLER'].map((name) => `${name}:PLAINTEXT`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'ADMIN',
    'log.dirs': data,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': 'false',
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    // After a kill -9 the controller refuses the broker until its old session ends: 2 s instead of 9.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 300,
    'message.max.bytes': MOST_BATCH_BYTES,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Warnings and what the server says about its own life, on standard output. */
export function loggingProperties(): string {
  return [
    'status = error',
    'appender.out.type = Console',
    'appender.out.name = out',
    'appender.out.layout.type = PatternLayout',
    'appender.out.layout.pattern = %d{ISO8601}{UTC} %-5p %c{1} %m%n',
    'rootLogger.level = warn',
    'rootLogger.appenderRef.out.ref = out',
    'logger.server.name = kafka.server.KafkaRaftServer',
    'logger.server.level = info',
    '',
  ].join('\n');
}
