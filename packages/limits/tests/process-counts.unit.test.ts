import { describe, expect, test } from 'vitest';
import { Circuit } from '../circuit.ts';
import type { Charge } from '../pace.ts';
import { ProcessCounts } from '../process-counts.ts';
import { LIMITS } from '../table.ts';

const charge = (subject: string): Charge => ({ name: 'login_address', limit: LIMITS.login_address, subject });
const isAllowed = (waits: number[]) => waits.every((wait) => wait === 0);

describe('the counts of a process', () => {
  test('charge all or none', () => {
    const counts = new ProcessCounts();
    for (let i = 0; i < 30; i++) counts.take([charge('full')], 0);
    for (let i = 0; i < 40; i++) expect(isAllowed(counts.take([charge('other'), charge('full')], 0))).toBe(false);
    for (let i = 0; i < 30; i++) expect(isAllowed(counts.take([charge('other')], 0))).toBe(true);
    expect(isAllowed(counts.take([charge('other')], 0))).toBe(false);
  });

  test('S-58: go on from what Redis allowed before', () => {
    const counts = new ProcessCounts();
    for (let i = 0; i < 30; i++) counts.note([charge('ada')], 0);
    expect(isAllowed(counts.take([charge('ada')], 0))).toBe(false);
  });

  test('stay bounded however many come', () => {
    const counts = new ProcessCounts();
    for (let i = 0; i < 60_000; i++) counts.take([charge(`10.0.${i >> 8}.${i & 255}`)], 0);
    expect(counts.size).toBe(50_000);
  });
});

describe('the circuit', () => {
  test('opens after three failures in a row, and is tried once a second', () => {
    const circuit = new Circuit();
    const fail = (now: number) => circuit.mayAsk(now) && circuit.failed(now);
    fail(0);
    fail(0);
    circuit.succeeded();
    fail(0);
    fail(0);
    expect(circuit.open).toBe(false);
    fail(0);
    expect([circuit.open, circuit.mayAsk(0), circuit.mayAsk(999)]).toEqual([true, false, false]);
    expect([circuit.mayAsk(1_000), circuit.mayAsk(1_001), circuit.mayAsk(1_999)]).toEqual([true, false, false]);
    circuit.failed(1_030);
    expect([circuit.mayAsk(1_999), circuit.mayAsk(2_000)]).toEqual([false, true]);
    circuit.succeeded();
    expect([circuit.open, circuit.mayAsk(2_001), circuit.mayAsk(2_001)]).toEqual([false, true, true]);
  });
});
