import type { Client } from '@connectrpc/connect';
import type { Conversation, LeftConversation } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { allPages } from '../net/all-pages.ts';
import { readAgainMs } from '../net/backoff.ts';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';
import type { Conversations } from '../store/conversations.ts';

/** What keeping the list of conversations needs from outside. */
export interface ConversationSyncPorts {
  readonly service: Client<typeof ConversationService>;
  readonly userId: string;
  /** A conversation is new, has changed, or was left. */
  changed(conversationId: string): void;
  /** A message was noted in its conversation. */
  noted(): void;
  readonly pause: Pause;
  readonly signal: AbortSignal;
}

/** All conversations of a user. */
export interface Lists {
  /** Those that the user is in. */
  readonly present: readonly Pick<Conversation, 'conversationId' | 'joinedSeq' | 'lastSeq'>[];
  /** Those in which a membership of theirs has ended; undefined when the server does not tell. */
  readonly left?: readonly Pick<LeftConversation, 'conversationId' | 'leftSeq'>[] | undefined;
}

/** Is told what is listed, as it comes. */
export interface ListHearer {
  /** Those that the user is in, which are known from now on. */
  present(present: Lists['present']): void;
  all(lists: Lists): void;
  /** There is no list, as from a server that knows no such user: what is pushed is shown all the same. */
  refused(): void;
}

type Kind = ConversationEvent['change']['case'];

const PAGE_SIZE = 200;
const LEFT_PAGE_SIZE = 1_000;
// What only the server can tell whole: who is in it, and as what.
const MEMBERSHIP = new Set<Kind>(['membersAdded', 'memberRemoved', 'memberRoleChanged']);
const QUIET = new Set<Kind>(['messageSent', 'readAdvanced']);

/** Keeps the list of conversations as the server has it: listed once, then moved on by events. */
export class ConversationSync {
  readonly #conversations: Conversations;
  readonly #ports: ConversationSyncPorts;
  readonly #asked = new Map<string, Promise<void>>();
  // What came while the list was on its way; undefined while it is not.
  #early: ConversationEvent[] | undefined = [];
  #listing = new AbortController();

  constructor(conversations: Conversations, ports: ConversationSyncPorts) {
    this.#conversations = conversations;
    this.#ports = ports;
  }

  /** Whether all conversations were listed. */
  get listed(): boolean {
    return this.#early === undefined;
  }

  /**
   * Lists all conversations, however long the server takes to answer: those that the user is in, and then those that they
   * have left. Nothing more is told once it is outdated or asked to begin anew, or all is over.
   */
  async listAll(hears: ListHearer): Promise<void> {
    this.#listing.abort();
    this.#listing = new AbortController();
    this.#early ??= [];
    const signal = AbortSignal.any([this.#listing.signal, this.#ports.signal]);
    const present = await this.#listPresent(signal).catch(() => undefined);
    if (signal.aborted) return;
    const early = this.#early;
    this.#early = undefined;
    for (const event of early) void this.takeEvent(event);
    if (!present) return hears.refused();
    hears.present(present);
    // After the present ones: whose membership ends in between is in both lists, whose begins anew is in this one.
    const left = await this.#listLeft(signal).catch(() => undefined);
    if (!signal.aborted) hears.all({ present, left });
  }

  /** What a list under way says is not what holds when the stream goes on: another one has to follow. */
  outdate(): void {
    this.#listing.abort();
  }

  async #listPresent(signal: AbortSignal): Promise<Conversation[]> {
    const { service, pause } = this.#ports;
    const knownBefore = this.#conversations.ids();
    const present = await allPages<Conversation>((pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      return retrying(() => service.listConversations(request, { signal }), { pause, signal, delayMs: readAgainMs });
    });
    signal.throwIfAborted();
    this.#conversations.putAll(present, knownBefore);
    return present;
  }

  #listLeft(signal: AbortSignal): Promise<LeftConversation[]> {
    const { service, pause } = this.#ports;
    return allPages((pageToken) => {
      const request = { pageSize: LEFT_PAGE_SIZE, pageToken };
      return retrying(() => service.listLeftConversations(request, { signal }), {
        pause,
        signal,
        delayMs: readAgainMs,
      });
    });
  }

  /** Takes an event, whether its conversation is known or new. */
  async takeEvent(event: ConversationEvent): Promise<void> {
    if (this.#early) {
      this.#early.push(event);
      return;
    }
    const { conversationId, change } = event;
    const isNew = this.#conversations.get(conversationId) === undefined;
    if (change.case === 'memberRemoved' && change.value.userId === this.#ports.userId) {
      this.#conversations.leave(conversationId);
    } else if (isNew || MEMBERSHIP.has(change.case)) await this.#askOnce(conversationId);
    if (change.case === 'conversationUpdated') this.#conversations.rename(conversationId, change.value.title);
    if (change.case === 'messageSent' && change.value.message) {
      const { message } = change.value;
      this.#conversations.noteMessage(message, message.senderId === this.#ports.userId);
    }
    if (change.case === 'readAdvanced' && change.value.userId === this.#ports.userId) {
      this.#conversations.markRead(conversationId, change.value.number);
    }
    if (isNew || !QUIET.has(change.case)) this.#ports.changed(conversationId);
    else this.#ports.noted();
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
