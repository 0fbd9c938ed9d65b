import type { HostPort } from '@realchat/config';
import type { Logger } from '@realchat/telemetry';
import type { Kafka as KafkaClient, LogEntry } from 'kafkajs';
import { Kafka, logLevel } from './kafkajs.ts';

const REPEAT_MS = 10_000;

/** Warns of what is our intent: a producer that cannot settle a send is given up, see `producer.ts`. */
const INTENDED = 'Limiting retries for the idempotent producer may invalidate EoS guarantees';

/** A kafkajs client with time limits that end a silent broker's requests, and its log lines in ours. */
export function createKafkaClient(options: { brokers: HostPort[]; clientId: string; log: Logger }): KafkaClient {
  return new Kafka({
    brokers: options.brokers.map(({ host, port }) => `${host}:${port}`),
    clientId: options.clientId,
    connectionTimeout: 2_000,
    requestTimeout: 10_000,
    retry: { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000 },
    logLevel: options.log.isLevelEnabled('debug') ? logLevel.INFO : logLevel.ERROR,
    logCreator: () => createLogSink(options.log.child({ library: 'kafkajs' })),
  });
}

/**
 * What kafkajs calls an error is for us to judge, and told by us where it matters. It repeats itself while a broker is away:
 * the same words come through once in ten seconds.
 */
function createLogSink(log: Logger): (entry: LogEntry) => void {
  const lastAt = new Map<string, number>();
  return ({
    namespace,
    level,
    log: { message, timestamp: _timestamp, stack: _stack, logger: _logger, ...details },
  }) => {
    if (message === INTENDED) return;
    const words = `${namespace}: ${message}`;
    const now = Date.now();
    if (now - (lastAt.get(words) ?? 0) < REPEAT_MS) return;
    if (lastAt.size > 1_000) lastAt.clear();
    lastAt.set(words, now);
    if (level === logLevel.ERROR) log.info(details, words);
    else log.debug(details, words);
  };
}
