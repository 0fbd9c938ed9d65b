import type { Presence, ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { Entry } from '../store/conversations.ts';
import type { Pending } from '../store/outbox.ts';

/** How the client hears of what others do: `ended` is for good, with the reason as a sentence. */
export interface Status {
  readonly state: 'connecting' | 'live' | 'reconnecting' | 'ended';
  readonly reason?: string;
}

/** How one attempt to send a message came out. Of `unknown`, nobody can tell whether it was stored: it is repeated. */
export interface SendAttempt {
  readonly clientMessageId: string;
  readonly conversationId: string;
  readonly outcome: 'stored' | 'refused' | 'unknown';
  /** As it was stored. */
  readonly message?: Message;
  /** The reason of its ErrorInfo; empty when it has none, as when the network failed. */
  readonly reason?: string;
}

/** What a client tells its application. */
export interface RealChatEvents {
  /** A message of any conversation, its own included: each once, in order of seq within its conversation. */
  message: Message;
  /** A message was written here and is being sent. */
  pending: Pending;
  /** A message that was written here is durable. May come before or after its `message`. */
  confirmed: Message;
  /** The server will not take a message that was written here: see its `refusal`. It is not sent again by itself. */
  refused: Pending;
  /** A conversation is new, has changed, or was left. */
  conversation: Entry;
  /** Who is typing in a conversation, the user apart. Ends by itself 6 seconds after it was heard of last. */
  typing: { readonly conversationId: string; readonly userIds: readonly string[] };
  /** Something else is known of whether a user is there; undefined: nothing is known. */
  presence: { readonly userId: string; readonly presence: Presence | undefined };
  status: Status;
  /**
   * More was missed than the server replays, or its log is another one. What has been said since this client first listed
   * the conversations still comes as `message`, of those into which the user was let meanwhile too, and what is held by
   * `open` is read again. Of what was said before this client was made, read what you show with `history`. Unspecified: the
   * server did not take this device's cursor.
   */
  reset: ResetReason;
  /** Something that can be read from the client has changed: render again, soon. Comes often. */
  changed: undefined;
  /** An event as the stream brought it, repeats and gaps included. For tools that look at the stream itself. */
  pushed: ConversationEvent;
  /** An attempt to send has ended. For tools that look at attempts. */
  attempt: SendAttempt;
}
