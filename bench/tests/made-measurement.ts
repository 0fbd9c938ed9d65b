import type { Measurement } from '../measurement.ts';

/** A run in which all went well, but for what is given. */
export function madeMeasurement(different: Partial<Measurement> = {}): Measurement {
  const latency = { count: 5_000, p50: 2, p99: 5, p999: 9, max: 12 };
  return {
    perSecond: 500,
    seconds: 10,
    sent: 9_000,
    due: 5_000,
    acked: 5_000,
    received: 5_000,
    faults: { lost: 0, duplicated: 0, outOfOrder: 0, altered: 0, unacked: 0 },
    errors: {},
    ack: latency,
    receive: latency,
    late: latency,
    backlog: { first: 1, last: 1 },
    brokenOff: false,
    cores: { gateway: 0.1, postgres: 0.2 },
    generator: 0.2,
    bystanders: 0.01,
    elsewhere: 0.05,
    megabytes: { gateway: 80, postgres: 50 },
    walBytesPerMessage: 900,
    ...different,
    ...(different.acked !== undefined && different.received === undefined && { received: different.acked }),
  };
}
