import { Code, codeName } from '@realchat/framing';
import { continueTrace, formatTraceparent } from '@realchat/telemetry';
import type { GatewayContext } from '../context.ts';
import type { Via } from '../events.ts';
import type { Route } from '../public-services.ts';

/** What is written down of a call. */
export interface CallRecord {
  /** The trace that the call belongs to, with the gateway's step in it. */
  readonly traceparent: string;
  /** Once, when the call is over. */
  readonly ended: (code: number) => void;
}

/** What a method that is not in the contract is called in metrics: clients must not make up label values. */
const UNKNOWN_METHOD = 'unknown';

const FAULTS: ReadonlySet<number> = new Set([Code.INTERNAL, Code.UNKNOWN, Code.DATA_LOSS]);

/** Begins the record of a call: it goes on with the client's trace, or starts one. */
export function recordCall(
  { events, log }: GatewayContext,
  route: Route | undefined,
  via: Via,
  traceparent: string | undefined,
): CallRecord {
  const method = route?.path ?? UNKNOWN_METHOD;
  const trace = continueTrace(traceparent);
  const observe = events.callStarted(method, via);
  return {
    traceparent: formatTraceparent(trace),
    ended(code) {
      observe(code);
      const line = { trace_id: trace.traceId, method, via, code: codeName(code) };
      if (FAULTS.has(code)) log.warn(line, 'call failed');
      else log.debug(line, 'call ended');
    },
  };
}
