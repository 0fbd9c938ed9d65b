import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';

/** A member as the log has it. */
export interface RecountedMember {
  joinedSeq: bigint;
  /** Of the newest message that the member has sent, over all stints; 0: none. */
  sentNumber: bigint;
  /** How many messages of the stint are beyond what the member is said to have read, counted one by one. */
  unread: bigint;
}

/** A conversation as its events, one after the other, make it. */
export interface Recount {
  lastSeq: bigint;
  lastNumber: bigint;
  /** Where seqs or numbers are not one after the other. */
  gaps: number;
  present: ReadonlyMap<string, RecountedMember>;
}

interface Member {
  joinedSeq: bigint;
  /** Messages beyond what was read, of before the stint. */
  unreadBefore: number;
}

/**
 * Makes a conversation anew from its events in order of seq. What the tables say is not asked, but for how far each of those
 * who are of interest has read. It keeps a few numbers for each of them, however many events there are.
 */
export function createRecount(readNumbers: ReadonlyMap<string, bigint>): {
  add(event: ConversationEvent): void;
  result(): Recount;
} {
  let lastSeq = 0n;
  let lastNumber = 0n;
  let gaps = 0;
  const present = new Map<string, Member>();
  const sent = new Map<string, bigint>();
  const beyond = createBeyond([...readNumbers.values()]);
  const unreadOf = (userId: string) => beyond.count(readNumbers.get(userId) ?? 0n);
  const join = (userId: string) => {
    const unreadBefore = readNumbers.has(userId) ? unreadOf(userId) : 0;
    present.set(userId, { joinedSeq: lastSeq, unreadBefore });
  };
  return {
    add({ seq, actorId, change }) {
      if (seq !== lastSeq + 1n) gaps++;
      lastSeq = seq;
      switch (change.case) {
        case 'conversationCreated':
        case 'membersAdded':
          for (const { userId } of change.value.members) join(userId);
          break;
        case 'memberRemoved':
          present.delete(change.value.userId);
          break;
        case 'messageSent': {
          const number = change.value.message?.number ?? 0n;
          if (number !== lastNumber + 1n) gaps++;
          lastNumber = number;
          if (readNumbers.has(actorId)) sent.set(actorId, number);
          beyond.add(number);
          break;
        }
        default:
      }
    },
    result() {
      const members = [...present].map(([userId, { joinedSeq, unreadBefore }]): [string, RecountedMember] => {
        const unread = BigInt(unreadOf(userId) - unreadBefore);
        return [userId, { joinedSeq, sentNumber: sent.get(userId) ?? 0n, unread }];
      });
      return { lastSeq, lastNumber, gaps, present: new Map(members) };
    },
  };
}

/** Counts numbers by how many of some marks they are beyond, which is as much as it keeps. */
function createBeyond(marks: readonly bigint[]): { add(number: bigint): void; count(mark: bigint): number } {
  const sorted = [...new Set(marks)].sort((a, b) => (a < b ? -1 : 1));
  const counts = Array.from({ length: sorted.length + 1 }, () => 0);
  /** How many of the marks are below. */
  const below = (number: bigint): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] ?? 0n) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add(number) {
      const at = below(number);
      counts[at] = (counts[at] ?? 0) + 1;
    },
    count: (mark) => counts.slice(below(mark) + 1).reduce((sum, each) => sum + each, 0),
  };
}
