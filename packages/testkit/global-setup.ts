import type { TestProject } from 'vitest/node';
import { startKafka, startPostgres } from './engines.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Postgres as superuser. */
    postgresUrl: string;
    /** `host:port` of the Kafka broker. */
    kafkaBroker: string;
  }
}

/** Starts one Postgres and one Kafka for a whole run; each test file takes a database of its own from the one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, kafka] = await Promise.all([startPostgres(), startKafka()]);
  project.provide('postgresUrl', postgres.url);
  project.provide('kafkaBroker', kafka.broker);
  return async () => {
    await Promise.all([postgres.stop(), kafka.stop()]);
  };
}
