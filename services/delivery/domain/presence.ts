import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type PresenceSchema, PresenceState } from '@realchat/gen/realchat/delivery/v1/delivery_service';

/** What is known of a user's presence at one moment. */
export interface PresenceFact {
  userId: string;
  online: boolean;
  /** Online by patience alone: so many milliseconds are left. 0: with a session, or offline. */
  patienceLeftMs: number;
  /** When an offline user was last online, in milliseconds since the epoch; 0: not known. */
  seenAt: number;
}

/** A fact as clients are told it. */
export function toPresence({ userId, online, seenAt }: PresenceFact): MessageInitShape<typeof PresenceSchema> {
  if (online) return { userId, state: PresenceState.ONLINE };
  return seenAt > 0
    ? { userId, state: PresenceState.OFFLINE, lastSeenTime: timestampFromMs(seenAt) }
    : { userId, state: PresenceState.OFFLINE };
}
