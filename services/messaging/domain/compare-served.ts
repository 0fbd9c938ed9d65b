import type { Recount } from './recount.ts';

/** What a member is told of a conversation. */
export interface Served {
  userId: string;
  lastSeq: bigint;
  lastNumber: bigint;
  joinedSeq: bigint;
  readNumber: bigint;
  unreadCount: bigint;
  /** The newest read position of the member that the log has; 0: none. */
  loggedRead: bigint;
}

/** Where what is served is not what the log says. `userId` is empty when it is of the conversation. */
export interface Discrepancy {
  kind:
    | 'gap'
    | 'unreadable'
    | 'last-seq'
    | 'last-number'
    | 'membership'
    | 'joined'
    | 'read-behind'
    | 'read-beyond'
    | 'unread';
  userId: string;
  served: bigint;
  logged: bigint;
}

/** Compares what the present members are served with what the events up to that moment make of it. */
export function compareServed(
  { gaps, lastSeq, lastNumber, present }: Recount,
  served: readonly Served[],
): Discrepancy[] {
  const found: Discrepancy[] = [];
  const expect = (kind: Discrepancy['kind'], userId: string, is: bigint, logged: bigint) => {
    if (is !== logged) found.push({ kind, userId, served: is, logged });
  };
  expect('gap', '', 0n, BigInt(gaps));
  for (const userId of present.keys()) {
    if (!served.some((each) => each.userId === userId))
      found.push({ kind: 'membership', userId, served: 0n, logged: 1n });
  }
  for (const view of served) {
    const { userId, readNumber } = view;
    const member = present.get(userId);
    if (!member) {
      found.push({ kind: 'membership', userId, served: 1n, logged: 0n });
      continue;
    }
    expect('last-seq', userId, view.lastSeq, lastSeq);
    expect('last-number', userId, view.lastNumber, lastNumber);
    expect('joined', userId, view.joinedSeq, member.joinedSeq);
    const logged = max(member.sentNumber, view.loggedRead);
    // Ahead of the log is a mark that is not told yet.
    if (readNumber < logged) found.push({ kind: 'read-behind', userId, served: readNumber, logged });
    if (readNumber > lastNumber) found.push({ kind: 'read-beyond', userId, served: readNumber, logged: lastNumber });
    // Counted one by one, where what is served is derived from two numbers.
    expect('unread', userId, view.unreadCount, member.unread);
  }
  return found;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
