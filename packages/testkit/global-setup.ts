import type { TestProject } from 'vitest/node';
import { startKafka, startPostgres, startValkey } from './engines.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Postgres as superuser. */
    postgresUrl: string;
    /** `host:port` of the Kafka broker. */
    kafkaBroker: string;
    /** Valkey, as REDIS_URL has it. */
    redisUrl: string;
  }
}

/** Starts one Postgres, one Kafka and one Valkey for a whole run; each test file takes a database of its own from the one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, kafka, valkey] = await Promise.all([startPostgres(), startKafka(), startValkey()]);
  project.provide('postgresUrl', postgres.url);
  project.provide('kafkaBroker', kafka.broker);
  project.provide('redisUrl', valkey.url);
  return async () => {
    await Promise.all([postgres.stop(), kafka.stop(), valkey.stop()]);
  };
}
