export type { Logger } from 'pino';
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { type OpsServer, startOpsServer } from './ops-server.ts';
export { runService, type Service } from './run-service.ts';
export { telemetrySettings } from './settings.ts';
export { type StopStep, stopInOrder } from './stop-in-order.ts';
export { createTelemetry, type Telemetry } from './telemetry.ts';
export {
  childOf,
  continueTrace,
  formatTraceparent,
  newTrace,
  parseTraceparent,
  type TraceContext,
} from './trace-context.ts';
export { Traffic } from './traffic.ts';
