import { fromBinary } from '@bufbuild/protobuf';
import { ConversationEventSchema } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import { LogRecordType } from '@realchat/gen/realchat/messaging/v1/log_service';
import type { Frame } from './frames.ts';

/** Who came into a conversation by an event, and who left it. */
export interface MembershipChange {
  readonly joined: readonly string[];
  readonly left: string | undefined;
}

/** An event of the log as this node keeps it: enough to route it, and the frame that every session gets. */
export interface LogEntry {
  readonly shard: number;
  /** Exact up to 2^53, which a shard does not reach. */
  readonly position: number;
  readonly conversationId: string;
  readonly frame: Frame;
  /** Undefined: none. `unreadable`: there is one, and this node cannot know whom it concerns. */
  readonly membership: MembershipChange | 'unreadable' | undefined;
  /** How it came here. */
  readonly source: 'kafka' | 'database';
  /** Of Kafka, where it stands in its partition; of the database -1. */
  readonly offset: number;
  /** When it was committed, in milliseconds since the epoch; 0 when that was not to be told cheaply. */
  readonly createTime: number;
}

/** Whom an event of a `LogRecordType` brings into its conversation, and whom it takes out. Only such events are decoded. */
export function membershipOf(type: number, event: Uint8Array): LogEntry['membership'] {
  if (
    type !== LogRecordType.CONVERSATION_CREATED &&
    type !== LogRecordType.MEMBERS_ADDED &&
    type !== LogRecordType.MEMBER_REMOVED
  ) {
    return undefined;
  }
  try {
    const { change } = fromBinary(ConversationEventSchema, event);
    if (change.case === 'conversationCreated' || change.case === 'membersAdded') {
      return { joined: change.value.members.map((member) => member.userId), left: undefined };
    }
    if (change.case === 'memberRemoved') return { joined: [], left: change.value.userId };
  } catch {
    // Told by what is returned.
  }
  return 'unreadable';
}
