import { Writable } from 'node:stream';
import { createTelemetry, type Telemetry } from '@realchat/telemetry';
import { pino } from 'pino';

/** Metrics of its own, and no logs. */
export function silentTelemetry(): Telemetry {
  return createTelemetry({ service: 'test', instance: 'test', level: 'silent' });
}

/** Metrics of its own, and every log line kept, parsed, in `lines`. */
export function recordedTelemetry(): Telemetry & { lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const { metrics } = silentTelemetry();
  return { log: pino({ level: 'debug', messageKey: 'message' }, sink), metrics, lines };
}
