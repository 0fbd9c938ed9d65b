import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecount } from './recount.ts';

type Change = MessageInitShape<typeof ConversationEventSchema>['change'];
type Step = { kind: 'join' | 'leave' | 'send'; user: number };

const USERS = ['ada', 'bob', 'eve', 'joe'];

/** A log in which users come, go and send, without a look at whether they may. */
function logOf(steps: readonly Step[]) {
  let number = 0n;
  return steps.map(({ kind, user }, i) => {
    const userId = USERS[user] ?? '';
    const changes: Record<Step['kind'], () => Change> = {
      join: () => ({ case: 'membersAdded', value: { members: [{ userId }] } }),
      leave: () => ({ case: 'memberRemoved', value: { userId } }),
      send: () => ({ case: 'messageSent', value: { message: { number: (number += 1n) } } }),
    };
    return create(ConversationEventSchema, { seq: BigInt(i + 1), actorId: userId, change: changes[kind]() });
  });
}

const steps = fc.array(fc.record({ kind: fc.constantFrom('join', 'leave', 'send', 'send'), user: fc.nat(3) }), {
  maxLength: 60,
}) as fc.Arbitrary<Step[]>;

test('what is unread is each message of the stint beyond what was read, whoever comes and goes', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.bigInt(0n, 40n), { minLength: 4, maxLength: 4 }), (taken, reads) => {
      const events = logOf(taken);
      const read = new Map(USERS.map((userId, i) => [userId, reads[i] ?? 0n]));
      const recount = createRecount(read);
      for (const event of events) recount.add(event);
      const { present, gaps, lastSeq } = recount.result();
      expect([gaps, lastSeq]).toEqual([0, BigInt(events.length)]);
      for (const [userId, { joinedSeq, sentNumber, unread }] of present) {
        const messages = events.flatMap(({ seq, actorId, change }) =>
          change.case === 'messageSent' ? [{ seq, actorId, number: change.value.message?.number ?? 0n }] : [],
        );
        const beyond = messages.filter(({ seq, number }) => seq > joinedSeq && number > (read.get(userId) ?? 0n));
        expect(unread).toBe(BigInt(beyond.length));
        expect(sentNumber).toBe(messages.findLast(({ actorId }) => actorId === userId)?.number ?? 0n);
      }
    }),
  );
});

test('where seqs or numbers are not one after the other is a gap, and what is there is counted still', () => {
  const events = logOf([
    { kind: 'join', user: 0 },
    ...Array.from({ length: 5 }, () => ({ kind: 'send' as const, user: 1 })),
  ]);
  const recount = createRecount(new Map([['ada', 1n]]));
  for (const event of events.toSpliced(3, 1)) recount.add(event);
  const { gaps, lastNumber, present } = recount.result();
  // Of the seq, and of the number.
  expect({ gaps, lastNumber, unread: present.get('ada')?.unread }).toEqual({ gaps: 2, lastNumber: 5n, unread: 3n });
});
