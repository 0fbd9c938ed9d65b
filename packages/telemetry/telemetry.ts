import { type Logger, type LoggerOptions, pino } from 'pino';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';

const STANDARD_OUTPUT = 1;
/** Of lines that wait for a disk that is full; what comes after them is dropped. */
const MOST_WAITING_BYTES = 1024 * 1024;

/** What a process tells about itself. */
export interface Telemetry {
  log: Logger;
  metrics: Registry;
}

/**
 * Logs are JSON lines on standard output; metrics are kept until /metrics is read. Lines that cannot be written wait for a
 * while, and nobody waits for them: a disk that is full ends no process.
 */
export function createTelemetry(options: { service: string; instance: string; level: string }): Telemetry {
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: options.service, instance: options.instance });
  collectDefaultMetrics({ register: metrics });
  const unwritten = new Counter({
    name: 'realchat_log_writes_failed_total',
    help: 'Writes of log lines that were refused, as on a full disk.',
    registers: [metrics],
  });
  const output = pino.destination({ dest: STANDARD_OUTPUT, sync: true, maxLength: MOST_WAITING_BYTES });
  output.on('error', () => unwritten.inc());
  const settings: LoggerOptions = {
    level: options.level,
    base: { service: options.service, instance: options.instance },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // The last net under the rule that none of these is ever logged.
    redact: { paths: ['*.authorization', '*.password', '*.access_token', '*.refresh_token', '*.text'], remove: true },
  };
  const log = pino(settings, output);
  return { log, metrics };
}
