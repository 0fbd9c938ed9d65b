import { create } from '@bufbuild/protobuf';
import { type Message, MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { ListMessagesResponseSchema } from '@realchat/gen/realchat/messaging/v1/message_service';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Direction, Timeline } from './timeline.ts';

// A conversation of 30 events in which every seq that 3 divides is no message.
const HEAD = 30n;
const isMessage = (seq: bigint) => seq % 3n !== 0n;
const message = (seq: bigint): Message => create(MessageSchema, { seq, messageId: `m${seq}` });
const seqs = (from: bigint, to: bigint) =>
  Array.from({ length: Math.max(0, Number(to - from) + 1) }, (_, i) => from + BigInt(i));

function page(from: bigint, to: bigint, hasMore: boolean) {
  const messages = seqs(from, to).filter(isMessage).map(message);
  return create(ListMessagesResponseSchema, { messages, hasMore, fromSeq: from, throughSeq: to });
}

function push(timeline: Timeline, seq: bigint): void {
  if (isMessage(seq)) timeline.addMessage(message(seq));
  else timeline.addOther(seq);
}

const shown = (timeline: Timeline) => timeline.messages().map(({ seq }) => seq);

describe('Timeline', () => {
  it('shows nothing before history was read, and no message twice after', () => {
    const timeline = new Timeline();
    push(timeline, 29n);
    expect(shown(timeline)).toEqual([]);
    timeline.addPage(page(25n, 29n, true), 'newest');
    expect(timeline.addMessage(message(29n))).toBe(false);
    expect(shown(timeline)).toEqual([25n, 26n, 28n, 29n]);
    expect(timeline.hasOlder).toBe(true);
  });

  it('is the same whether the answer to a send or the event of it comes first', () => {
    const [ackFirst, eventFirst] = [new Timeline(), new Timeline()];
    for (const timeline of [ackFirst, eventFirst]) timeline.addPage(page(1n, 1n, false), 'newest');
    const arrivals = [message(2n), message(4n), message(2n)];
    for (const each of arrivals) ackFirst.addMessage(each);
    for (const each of arrivals.toReversed()) eventFirst.addMessage(each);
    for (const timeline of [ackFirst, eventFirst]) {
      expect(shown(timeline)).toEqual([1n, 2n, 4n]);
      expect(timeline.gapAfter()).toBe(2n);
      timeline.addOther(3n);
      expect(timeline.gapAfter()).toBeUndefined();
    }
  });

  it('takes what the server says of the head for a gap until it was read', () => {
    const timeline = new Timeline();
    timeline.addPage(page(10n, 20n, true), 'newest');
    timeline.expect(24n);
    expect(timeline.gapAfter()).toBe(20n);
    timeline.addPage(page(21n, 24n, false), 'newer');
    expect(timeline.gapAfter()).toBeUndefined();
    expect(timeline.hasOlder).toBe(true);
  });

  it('does not take holes below the shown stretch for gaps, and fills them by older history', () => {
    const timeline = new Timeline();
    push(timeline, 5n);
    timeline.addPage(page(20n, HEAD, true), 'newest');
    expect(timeline.gapAfter()).toBeUndefined();
    expect(shown(timeline)[0]).toBe(20n);
    timeline.addPage(page(1n, 19n, false), 'older');
    expect(shown(timeline)).toEqual(seqs(1n, HEAD).filter(isMessage));
    expect(timeline.hasOlder).toBe(false);
  });

  it('keeps only the newest when trimmed, and can read the others again', () => {
    const timeline = new Timeline();
    timeline.addPage(page(1n, HEAD, false), 'newest');
    timeline.trim(4);
    expect(shown(timeline)).toEqual([25n, 26n, 28n, 29n]);
    expect([timeline.hasOlder, timeline.from, timeline.gapAfter()]).toEqual([true, 25n, undefined]);
    timeline.addPage(page(1n, 24n, false), 'older');
    expect(shown(timeline)).toEqual(seqs(1n, HEAD).filter(isMessage));
    expect(timeline.hasOlder).toBe(false);
  });

  it('shows every message once and in order, whatever arrives in whatever order, once its gaps are repaired', () => {
    const seq = fc.bigInt({ min: 1n, max: HEAD });
    const arrival = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), seq }),
      fc.record({ kind: fc.constantFrom<Direction[]>('newest', 'newer', 'older'), seq, size: fc.bigInt(0n, 8n) }),
      fc.record({ kind: fc.constant('trim' as const), count: fc.integer({ min: 1, max: 10 }) }),
    );
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 30 }), (arrivals) => {
        const timeline = new Timeline();
        for (const each of arrivals) {
          if (each.kind === 'push') push(timeline, each.seq);
          else if (each.kind === 'trim') timeline.trim(each.count);
          else if (timeline.loaded !== (each.kind === 'newest')) arrive(timeline, each.kind, each.seq, each.size);
        }
        if (!timeline.loaded) arrive(timeline, 'newest', HEAD, 5n);
        timeline.expect(HEAD);
        for (let after = timeline.gapAfter(); after !== undefined; after = timeline.gapAfter()) {
          arrive(timeline, 'newer', after + 1n, 5n);
        }
        expect(shown(timeline)).toEqual(seqs(timeline.from, HEAD).filter(isMessage));
      }),
    );
  });
});

/** A page as the server would make it: older ones end where the shown stretch begins. */
function arrive(timeline: Timeline, direction: Direction, seq: bigint, size: bigint): void {
  const begin = direction === 'older' ? timeline.from - 1n - size : direction === 'newest' ? seq - size : seq;
  const end = direction === 'older' ? timeline.from - 1n : direction === 'newest' ? seq : seq + size;
  const from = begin < 1n ? 1n : begin;
  const through = end > HEAD ? HEAD : end;
  timeline.addPage(page(from, through, direction === 'newer' ? through < HEAD : from > 1n), direction);
}
