import { type Logger, pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';

/** What a process tells about itself. */
export interface Telemetry {
  log: Logger;
  metrics: Registry;
}

/** Logs are JSON lines on standard output; metrics are kept until /metrics is read. */
export function createTelemetry(options: { service: string; instance: string; level: string }): Telemetry {
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: options.service, instance: options.instance });
  collectDefaultMetrics({ register: metrics });
  const log = pino({
    level: options.level,
    base: { service: options.service, instance: options.instance },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // The last net under the rule that none of these is ever logged.
    redact: { paths: ['*.authorization', '*.password', '*.access_token', '*.refresh_token', '*.text'], remove: true },
  });
  return { log, metrics };
}
