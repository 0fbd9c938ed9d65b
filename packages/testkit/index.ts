export { createEmptyDatabase, createTestDatabase } from './database.ts';
export {
  startKafka,
  startPostgres,
  startValkey,
  type TestEngine,
  type TestKafka,
  type TestPostgres,
  type TestValkey,
} from './engines.ts';
export { createTestEventLog, kafkaBrokers } from './event-log.ts';
export { startTestMesh, type TestMesh } from './mesh-tls.ts';
export { redisUrl } from './redis.ts';
export { type Refusal, refusalOf } from './refusal.ts';
export { startProxyFor, startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
export { recordedTelemetry, silentTelemetry } from './telemetry.ts';
export { until } from './until.ts';
