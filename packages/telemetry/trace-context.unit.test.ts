import { expect, test } from 'vitest';
import { childOf, continueTrace, formatTraceparent, newTrace, parseTraceparent } from './trace-context.ts';

test('every trace and every step has an id of its own, as long as it has to be', () => {
  const traces = Array.from({ length: 5_000 }, newTrace);
  expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(traces.length);
  expect(new Set(traces.map(({ spanId }) => spanId)).size).toBe(traces.length);
  for (const trace of traces) expect(parseTraceparent(formatTraceparent(trace))).toEqual(trace);
});

test('a step keeps the trace and whether it is recorded', () => {
  const parent = { ...newTrace(), sampled: false };
  expect(childOf(parent)).toEqual({ ...parent, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(childOf(parent).spanId).not.toBe(parent.spanId);
});

test.each([
  undefined,
  '',
  'nonsense',
  `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
  `01-${'1'.repeat(32)}-${'1'.repeat(16)}-01`,
  `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`,
])('%s is no trace to go on with: a new one begins', (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
  expect(continueTrace(header).traceId).toMatch(/^[0-9a-f]{32}$/);
});
