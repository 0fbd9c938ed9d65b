import { describe, expect, test } from 'vitest';
import { type Arrival, Ledger } from './ledger.ts';

const none = { lost: 0, duplicated: 0, outOfOrder: 0, altered: 0, unacked: 0 };

function arrival(place: number, more: Partial<Arrival> = {}): Arrival {
  return { conversation: 'c', key: `r-${place}`, text: 'hello', sender: 'ada', place, ...more };
}

/** Three messages, acked and seen in order. */
function goodRun(): Ledger {
  const ledger = new Ledger(3);
  for (const i of [0, 1, 2]) {
    ledger.ackedAt(i, i + 1);
    ledger.seenBy('ben', i, arrival(i + 1), 'hello');
  }
  return ledger;
}

describe('a ledger', () => {
  test('has nothing to say of a run in which all went well, whichever came first, ack or push', () => {
    expect(goodRun().faults(3, true)).toEqual(none);
    const pushedFirst = new Ledger(1);
    pushedFirst.seenBy('ben', 0, arrival(1), 'hello');
    pushedFirst.ackedAt(0, 1);
    expect(pushedFirst.faults(1, true)).toEqual(none);
  });

  test('counts an acked message that nobody saw as lost', () => {
    const ledger = new Ledger(2);
    ledger.ackedAt(0, 1);
    ledger.ackedAt(1, 2);
    ledger.seenBy('ben', 1, arrival(2), 'hello');
    expect(ledger.faults(2, true)).toEqual({ ...none, lost: 1 });
    expect(ledger.faults(2, false)).toEqual(none);
  });

  test('counts each further push of a message as a duplicate, and as nothing else', () => {
    const ledger = goodRun();
    expect(ledger.seenBy('ben', 0, arrival(1), 'hello')).toBe(false);
    expect(ledger.seenBy('ben', 0, arrival(1), 'hello')).toBe(false);
    expect(ledger.faults(3, true)).toEqual({ ...none, duplicated: 2 });
  });

  test('counts what is seen after a later one of its conversation as out of order', () => {
    const ledger = new Ledger(3);
    for (const i of [0, 1, 2]) ledger.ackedAt(i, i + 1);
    ledger.seenBy('ben', 2, arrival(3), 'hello');
    ledger.seenBy('ben', 0, arrival(1), 'hello');
    ledger.seenBy('ben', 1, arrival(2), 'hello');
    expect(ledger.faults(3, true)).toEqual({ ...none, outOfOrder: 2 });
  });

  test('lets conversations have an order each', () => {
    const ledger = new Ledger(2);
    ledger.ackedAt(0, 9);
    ledger.ackedAt(1, 1);
    ledger.seenBy('ben', 0, arrival(9), 'hello');
    ledger.seenBy('ben', 1, arrival(1, { conversation: 'd' }), 'hello');
    expect(ledger.faults(2, true)).toEqual(none);
  });

  test('compares no order between two who see messages of the same conversation', () => {
    const ledger = new Ledger(2);
    ledger.ackedAt(0, 1);
    ledger.ackedAt(1, 2);
    ledger.seenBy('ada', 1, arrival(2), 'hello');
    ledger.seenBy('ben', 0, arrival(1), 'hello');
    expect(ledger.faults(2, true)).toEqual(none);
  });

  test('counts another text, and another place than the sender was told', () => {
    const ledger = new Ledger(2);
    ledger.ackedAt(0, 1);
    ledger.ackedAt(1, 7);
    ledger.seenBy('ben', 0, arrival(1, { text: 'other' }), 'hello');
    ledger.seenBy('ben', 1, arrival(2), 'hello');
    expect(ledger.faults(2, true)).toEqual({ ...none, altered: 2 });
  });

  test('counts what was sent and has no answer', () => {
    const ledger = new Ledger(3);
    ledger.refusedOne();
    expect(ledger.faults(2, true)).toEqual({ ...none, unacked: 2 });
    expect(ledger.refused).toBe(1);
  });
});
