import { Code } from '@realchat/gen/google/rpc/code';
import { Counter, Gauge, Histogram, type Registry } from '@realchat/telemetry';

/** Names of the codes, as metric labels. */
const CODE_NAMES: Record<number, string> = Object.fromEntries(Object.entries(Code).map(([name, code]) => [code, name]));

/** What is counted of every call. */
export interface CallMetrics {
  started(method: string): (code: Code) => void;
  /** A process was refused that may not call; its name is that of its certificate. */
  callerRefused: (name: string) => void;
}

/** Durations by method and code (semantic conventions for RPC), and the calls in flight. */
export function createCallMetrics(registry: Registry): CallMetrics {
  const duration = new Histogram({
    name: 'rpc_server_call_duration_seconds',
    help: 'Duration of calls answered, by method and status code; of a stream, its whole life.',
    labelNames: ['rpc_method', 'rpc_status_code'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'rpc_server_calls_in_flight',
    help: 'Calls that are not answered yet, by method.',
    labelNames: ['rpc_method'],
    registers: [registry],
  });
  const callersRefused = new Counter({
    name: 'realchat_callers_refused_total',
    help: 'Calls of processes that may not make them, by the name on their certificate.',
    labelNames: ['caller'],
    registers: [registry],
  });
  return {
    callerRefused: (name) => callersRefused.inc({ caller: name }),
    started(method) {
      const begin = performance.now();
      inFlight.inc({ rpc_method: method });
      return (code) => {
        inFlight.dec({ rpc_method: method });
        duration.observe(
          { rpc_method: method, rpc_status_code: CODE_NAMES[code] ?? 'UNKNOWN' },
          (performance.now() - begin) / 1000,
        );
      };
    },
  };
}
