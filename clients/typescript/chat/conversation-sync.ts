import type { Client } from '@connectrpc/connect';
import type { Conversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';
import type { Conversations } from '../store/conversations.ts';

/** What keeping the list of conversations needs from outside. */
export interface ConversationSyncPorts {
  readonly service: Client<typeof ConversationService>;
  readonly userId: string;
  /** Whether the user has a conversation before their eyes now. */
  isSeen(conversationId: string): boolean;
  changed(): void;
  readonly pause: Pause;
  readonly signal: AbortSignal;
}

const PAGE_SIZE = 200;

/** Keeps the list of conversations as the server has it: listed once, then moved on by events. */
export class ConversationSync {
  readonly #conversations: Conversations;
  readonly #ports: ConversationSyncPorts;
  readonly #asked = new Map<string, Promise<void>>();

  constructor(conversations: Conversations, ports: ConversationSyncPorts) {
    this.#conversations = conversations;
    this.#ports = ports;
  }

  /** Lists all conversations, however long the server takes to answer. Throws when the signal is aborted first. */
  async listAll(signal: AbortSignal): Promise<void> {
    const { service, pause } = this.#ports;
    const knownBefore = this.#conversations.ids();
    const all: Conversation[] = [];
    let pageToken = '';
    do {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const page = await retrying(() => service.listConversations(request, { signal }), { pause, signal });
      all.push(...page.conversations);
      pageToken = page.nextPageToken;
    } while (pageToken);
    signal.throwIfAborted();
    this.#conversations.putAll(all, knownBefore);
  }

  /** Takes an event, whether its conversation is known or new. */
  async takeEvent(event: ConversationEvent): Promise<void> {
    const { conversationId, change } = event;
    const isKnown = this.#conversations.get(conversationId) !== undefined;
    if (change.case === 'memberRemoved' && change.value.userId === this.#ports.userId) {
      this.#conversations.leave(conversationId);
    } else if (!isKnown) await this.#askOnce(conversationId);
    else if (change.case === 'membersAdded' || change.case === 'memberRemoved') await this.#ask(conversationId);
    if (change.case === 'messageSent' && change.value.message) {
      const { message } = change.value;
      const seen = message.senderId === this.#ports.userId || this.#ports.isSeen(conversationId);
      this.#conversations.noteMessage(message, seen);
    }
    this.#ports.changed();
  }

  #askOnce(conversationId: string): Promise<void> {
    const asked = this.#asked.get(conversationId) ?? this.#ask(conversationId);
    this.#asked.set(conversationId, asked);
    return asked.finally(() => this.#asked.delete(conversationId));
  }

  async #ask(conversationId: string): Promise<void> {
    const { service, pause, signal } = this.#ports;
    const get = () => service.getConversation({ conversationId }, { signal });
    try {
      const { conversation } = await retrying(get, { pause, signal });
      const known = this.#conversations.get(conversationId);
      // An answer that was overtaken by a later one is not put back.
      if (conversation && !(known && known.conversation.lastSeq > conversation.lastSeq)) {
        this.#conversations.put(conversation);
      }
    } catch {
      // No member any more: there is nothing to show.
    }
  }
}
