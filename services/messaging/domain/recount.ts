import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';

/** A member as the log has it. */
export interface RecountedMember {
  joinedSeq: bigint;
  /** Of the newest message that the member has sent, over all stints; 0: none. */
  sentNumber: bigint;
}

/** A conversation as its events, one after the other, make it. */
export interface Recount {
  lastSeq: bigint;
  lastNumber: bigint;
  /** Where seqs or numbers are not one after the other. */
  gaps: number;
  present: Map<string, RecountedMember>;
  /** Every message, in order. */
  messages: { seq: bigint; number: bigint }[];
}

/** Makes a conversation anew from its events in order of seq. What the tables say is not asked. */
export function createRecount(): { add(event: ConversationEvent): void; result: Recount } {
  const result: Recount = { lastSeq: 0n, lastNumber: 0n, gaps: 0, present: new Map(), messages: [] };
  const sent = new Map<string, bigint>();
  const join = (userId: string) =>
    result.present.set(userId, { joinedSeq: result.lastSeq, sentNumber: sent.get(userId) ?? 0n });
  return {
    result,
    add({ seq, actorId, change }) {
      if (seq !== result.lastSeq + 1n) result.gaps++;
      result.lastSeq = seq;
      switch (change.case) {
        case 'conversationCreated':
        case 'membersAdded':
          for (const { userId } of change.value.members) join(userId);
          break;
        case 'memberRemoved':
          result.present.delete(change.value.userId);
          break;
        case 'messageSent': {
          const number = change.value.message?.number ?? 0n;
          if (number !== result.lastNumber + 1n) result.gaps++;
          result.lastNumber = number;
          sent.set(actorId, number);
          const sender = result.present.get(actorId);
          if (sender) sender.sentNumber = number;
          result.messages.push({ seq, number });
          break;
        }
        default:
      }
    },
  };
}
