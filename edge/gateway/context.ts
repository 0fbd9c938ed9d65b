import type { CallLimits, LimitTable } from '@realchat/limits';
import type { TokenVerifier } from '@realchat/rpc';
import type { Logger, Traffic } from '@realchat/telemetry';
import type { Backends } from './backends/backends.ts';
import type { Events } from './events.ts';
import type { Route } from './public-services.ts';

/** How patient the gateway is with its clients, in milliseconds. */
export interface Patience {
  /** For the body of a request that is not a stream. */
  readonly bodyMs: number;
  /** For the hello frame of a socket. */
  readonly helloMs: number;
  /** The silence after which a socket is asked whether it lives, and for its answer. */
  readonly liveness: { readonly intervalMs: number; readonly timeoutMs: number };
  /** For a socket that takes no more bytes. */
  readonly stalledMs: number;
}

export const defaultPatience: Patience = {
  bodyMs: 30_000,
  helloMs: 5_000,
  liveness: { intervalMs: 25_000, timeoutMs: 10_000 },
  stalledMs: 15_000,
};

/** What every part of the gateway works with. */
export interface GatewayContext {
  readonly routes: ReadonlyMap<string, Route>;
  readonly backends: Backends;
  readonly tokens: TokenVerifier;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly trustedHops: number;
  readonly maxSockets: { readonly all: number; readonly perAddress: number; readonly perUser: number };
  readonly limits: CallLimits;
  readonly limitTable: LimitTable;
  readonly patience: Patience;
  readonly events: Events;
  readonly log: Logger;
  /** Who calls over HTTP. */
  readonly traffic: Traffic;
  /** Aborted when the gateway is told to stop: its health says so, and it goes on as before until balancers have seen it. */
  readonly leaving: AbortSignal;
  /** Aborted when it takes no more: new sockets are refused, streams over HTTP end, sockets are sent elsewhere one by one. */
  readonly stopping: AbortSignal;
}
