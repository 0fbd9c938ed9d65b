import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { machineEnvironment } from '../machine-environment.ts';
import type { ProcessSpec } from '../process-spec.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { ensureJava } from './java.ts';
import { type KafkaAddresses, loggingProperties, serverProperties } from './kafka-config.ts';
import { ensureKafkaJars } from './kafka-jars.ts';
import { kafkaAnswers } from './kafka-probe.ts';

export interface KafkaOptions extends KafkaAddresses {
  /** Of the process; `kafka` unless given. */
  name?: string;
  folder: string;
  /** The same for all brokers of a cluster, 16 bytes in base64url; a new one unless given. */
  cluster?: string;
  /** Of the broker, besides the machine's. */
  env?: Readonly<Record<string, string>>;
}

/** One broker for a laptop: small heap, quick start, little idle work. */
const JVM =
  '-Xmx256m -Xms64m -Xss256k -XX:MaxMetaspaceSize=96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true';

/** Fetches Kafka (and Java, if need be) and formats its storage at the first start; answers how to run it. */
export async function prepareKafka(options: KafkaOptions, progress: Progress): Promise<ProcessSpec> {
  const { name = 'kafka', cluster = randomBytes(16).toString('base64url') } = options;
  const [java, jars] = await Promise.all([ensureJava(progress), ensureKafkaJars(progress)]);
  const data = join(options.folder, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const properties = join(options.folder, 'server.properties');
  const logging = join(options.folder, 'log4j2.properties');
  await writeFile(properties, serverProperties(options, data));
  await writeFile(logging, loggingProperties());
  const run = (...main: string[]) => [
    ...JVM.split(' '),
    `-Dlog4j2.configurationFile=${logging}`,
    '-cp',
    join(jars, '*'),
    ...main,
  ];
  if (!existsSync(join(data, 'meta.properties'))) {
    await progress.step(`formatting the storage of ${name}`, () =>
      runCommand(java, run('kafka.tools.StorageTool', 'format', `--cluster-id=${cluster}`, '--config', properties)),
    );
  }
  return {
    name,
    command: java,
    args: run('kafka.Kafka', properties),
    env: { ...machineEnvironment(), ...options.env },
    cwd: options.folder,
    ready: () => kafkaAnswers(options.ports.ADMIN),
    readyTimeoutMs: 90_000,
    stopSignal: 'SIGTERM',
    graceMs: 20_000,
  };
}
