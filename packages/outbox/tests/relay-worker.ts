import { hostPorts } from '@realchat/config';
import { createEventLog, type Producer } from '@realchat/eventlog';
import { createTelemetry } from '@realchat/telemetry';
import { createRelay } from '../relay.ts';
import { sourceOf } from './log.ts';

// A relay in a process of its own, for a test to kill or to pause. MISHAP says what befalls it between the ack of the event
// log and the writing down of it, and at which send: `SIGKILL:7`, `SIGSTOP:3`.

const env = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
const [signal, at] = (process.env.MISHAP ?? '').split(':');
const { log, metrics } = createTelemetry({ service: 'relay', instance: env('OWNER'), level: 'info' });
const eventLog = createEventLog({
  brokers: hostPorts.parse(env('KAFKA_BROKERS')),
  clientId: env('OWNER'),
  log,
  metrics,
});
const producer = eventLog.producer();
let sends = 0;

const withMishap: Producer = {
  async send(records) {
    const appended = await producer.send(records);
    sends += 1;
    if (sends === Number(at)) process.kill(process.pid, signal as NodeJS.Signals);
    return appended;
  },
  stop: () => producer.stop(),
};
const relay = createRelay({
  url: env('DATABASE_URL'),
  source: sourceOf(env('TOPIC')),
  producer: withMishap,
  owner: env('OWNER'),
  log,
  metrics,
  leaseMs: Number(env('LEASE_MS')),
});
relay.start();
process.on('SIGTERM', () => {
  relay
    .stop()
    .then(() => eventLog.stop())
    .then(() => process.exit(0))
    .catch(() => process.exit(1));
});
