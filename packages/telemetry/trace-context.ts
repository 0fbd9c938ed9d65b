import { randomFillSync } from 'node:crypto';

/** A W3C trace context as it travels: in gRPC metadata, in the log row, in Kafka headers, in the push envelope. */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits: the step that caused what follows. */
  spanId: string;
  /** Whether the trace is recorded. */
  sampled: boolean;
}

const PATTERN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);

/** Reads a `traceparent` header; undefined when it is absent or malformed (https://www.w3.org/TR/trace-context/). */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const match = header ? PATTERN.exec(header) : null;
  if (!match?.[1] || !match[2] || !match[3]) return undefined;
  if (match[1] === ZERO_TRACE || match[2] === ZERO_SPAN) return undefined;
  return { traceId: match[1], spanId: match[2], sampled: (Number.parseInt(match[3], 16) & 1) === 1 };
}

// Asking for a few random bytes costs as much as asking for some thousands, and a call asks twice.
const pool = Buffer.alloc(4_096);
let used = pool.length;

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}

/** Starts a trace. */
export function newTrace(): TraceContext {
  return { traceId: randomHex(16), spanId: randomHex(8), sampled: true };
}

/** The next step of a trace. */
export function childOf(parent: TraceContext): TraceContext {
  return { ...parent, spanId: randomHex(8) };
}

/** Goes on with the trace of a header, or starts one. */
export function continueTrace(header: string | undefined): TraceContext {
  const parent = parseTraceparent(header);
  return parent ? childOf(parent) : newTrace();
}

/** Writes the `traceparent` header. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? '01' : '00'}`;
}
