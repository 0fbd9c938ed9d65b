import { codeName } from '@realchat/framing';
import type { CallMetrics } from '@realchat/rpc';
import { Counter, Gauge, Histogram, type Logger, type Registry } from '@realchat/telemetry';

/** How a call came in. */
export type Via = 'websocket' | 'connect' | 'grpc-web' | 'grpc';

/** What the gateway tells of its business: each has its metric, and what is rare a log line. */
export interface Events {
  socketOpened(): void;
  /** `code` is the close code that this side chose, or heard. */
  socketClosed(code: number, reason: string): void;
  /** The handshake of a socket was refused with an HTTP status. */
  socketRefused(status: number): void;
  frames(direction: 'in' | 'out', bytes: number): void;
  /** A call begins; call the result once with its code when it is over. */
  callStarted(method: string, via: Via): (code: number) => void;
  /** A process that is not the edge connected, and was sent away; its name is that of its certificate. */
  callerRefused(name: string | undefined): void;
  /** A fault of our own. */
  failed(error: unknown): void;
}

export function createEvents(
  registry: Registry,
  log: Logger,
  { callerRefused }: Pick<CallMetrics, 'callerRefused'>,
): Events {
  const registers = [registry];
  const sockets = new Gauge({ name: 'realchat_gateway_sockets', help: 'WebSockets that are open.', registers });
  const closes = new Counter({
    name: 'realchat_gateway_socket_closes_total',
    help: 'WebSockets that have closed, by close code.',
    labelNames: ['code'],
    registers,
  });
  const refused = new Counter({
    name: 'realchat_gateway_sockets_refused_total',
    help: 'WebSocket handshakes that were refused, by HTTP status.',
    labelNames: ['status'],
    registers,
  });
  const frames = new Counter({
    name: 'realchat_gateway_frames_total',
    help: 'Writes of the framing (one WebSocket message each), by direction.',
    labelNames: ['direction'],
    registers,
  });
  const bytes = new Counter({
    name: 'realchat_gateway_frames_bytes_total',
    help: 'Bytes of the framing, by direction.',
    labelNames: ['direction'],
    registers,
  });
  const calls = new Histogram({
    name: 'realchat_gateway_call_duration_seconds',
    help: 'Duration of relayed calls by method, way in and status code; of a stream, its whole life.',
    labelNames: ['rpc_method', 'via', 'rpc_status_code'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    socketOpened: () => sockets.inc(),
    socketClosed(code, reason) {
      sockets.dec();
      closes.inc({ code: labelOf(code) });
      log.debug({ code, reason }, 'socket closed');
    },
    socketRefused: (status) => refused.inc({ status }),
    frames(direction, size) {
      frames.inc({ direction });
      bytes.inc({ direction }, size);
    },
    callStarted(method, via) {
      const begun = performance.now();
      return (code) =>
        calls.observe({ rpc_method: method, via, rpc_status_code: codeName(code) }, (performance.now() - begun) / 1000);
    },
    callerRefused(name = 'unknown') {
      callerRefused(name);
      log.warn({ caller: name }, 'caller refused');
    },
    failed: (error) => log.error({ err: error }, 'a fault of the gateway'),
  };
}

/** Clients choose their close codes, and must not make up label values. */
function labelOf(code: number): string {
  return code < 1016 || code === 4008 || (code >= 4400 && code < 4430) ? String(code) : 'other';
}
