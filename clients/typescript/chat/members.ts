import type { Client } from '@connectrpc/connect';
import type { Member } from '@realchat/gen/realchat/messaging/v1/conversation';
import type { ConversationEvent } from '@realchat/gen/realchat/messaging/v1/conversation_event';
import type { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';
import type { Pause } from '../net/pause.ts';
import { retrying } from '../net/retrying.ts';

/** What keeping the members of conversations needs from outside. */
export interface MembersPorts {
  readonly service: Client<typeof ConversationService>;
  changed(): void;
  readonly pause: Pause;
  readonly signal: AbortSignal;
}

/** How far a message has got with those that it was sent to. */
export interface Receipts {
  /** The members other than its sender. */
  readonly others: number;
  /** How many of them have it on a device. */
  readonly delivered: number;
  /** How many of them have read it. */
  readonly read: number;
}

interface Roster {
  members: ReadonlyMap<string, Member> | undefined;
  listing: boolean;
  /** The list that is on its way may be too old already. */
  stale: boolean;
}

const PAGE_SIZE = 1_000;

/** The members of the conversations that are held, and how far each has read: listed once, then moved on by events. */
export class Members {
  readonly #ports: MembersPorts;
  readonly #rosters = new Map<string, Roster>();

  constructor(ports: MembersPorts) {
    this.#ports = ports;
  }

  /** The present members in the order in which they joined; undefined until they were listed. */
  of(conversationId: string): Member[] | undefined {
    const members = this.#rosters.get(conversationId)?.members;
    return members && [...members.values()];
  }

  /** Holds a conversation's members from now on. */
  hold(conversationId: string): void {
    if (!this.#rosters.has(conversationId)) this.#list(conversationId);
  }

  /** Lists all again, as after a stream was lost: what is not kept, as deliveries, was lost with it. */
  refresh(): void {
    for (const conversationId of this.#rosters.keys()) this.#list(conversationId);
  }

  /** Takes a pushed event. */
  takeEvent({ conversationId, change }: ConversationEvent): void {
    switch (change.case) {
      case 'messageSent':
        // Who sends has read up to there.
        if (change.value.message)
          this.#hasRead(conversationId, change.value.message.senderId, change.value.message.number);
        return;
      case 'readAdvanced':
        return this.#hasRead(conversationId, change.value.userId, change.value.number);
      case 'membersAdded':
      case 'memberRemoved':
      case 'memberRoleChanged':
        if (this.#rosters.has(conversationId)) this.#list(conversationId);
        return;
      default:
    }
  }

  /** A device of a member has received messages up to a number. */
  delivered(conversationId: string, userId: string, number: bigint): void {
    this.#move(conversationId, userId, { deliveredNumber: number });
  }

  /** How far a message has got; undefined until the members were listed. */
  receipts({ conversationId, senderId, number }: Message): Receipts | undefined {
    const others = this.of(conversationId)?.filter(({ userId }) => userId !== senderId);
    return (
      others && {
        others: others.length,
        delivered: others.filter((member) => member.deliveredNumber >= number).length,
        read: others.filter((member) => member.readNumber >= number).length,
      }
    );
  }

  #hasRead(conversationId: string, userId: string, number: bigint): void {
    this.#move(conversationId, userId, { readNumber: number, deliveredNumber: number });
  }

  #move(conversationId: string, userId: string, to: { readNumber?: bigint; deliveredNumber: bigint }): void {
    const member = this.#rosters.get(conversationId)?.members?.get(userId);
    if (!member) return;
    member.readNumber = max(member.readNumber, to.readNumber ?? 0n);
    member.deliveredNumber = max(member.deliveredNumber, to.deliveredNumber);
    this.#ports.changed();
  }

  #list(conversationId: string): void {
    const roster = this.#rosters.get(conversationId) ?? { members: undefined, listing: false, stale: false };
    this.#rosters.set(conversationId, roster);
    roster.stale = true;
    if (!roster.listing) void this.#listUntilFresh(conversationId, roster);
  }

  async #listUntilFresh(conversationId: string, roster: Roster): Promise<void> {
    roster.listing = true;
    try {
      while (roster.stale) {
        roster.stale = false;
        const listed = await this.#listOnce(conversationId);
        // Events may have been faster than the list.
        for (const member of listed) {
          const known = roster.members?.get(member.userId);
          member.readNumber = max(member.readNumber, known?.readNumber ?? 0n);
          member.deliveredNumber = max(member.deliveredNumber, known?.deliveredNumber ?? 0n);
        }
        roster.members = new Map(listed.map((member) => [member.userId, member]));
        this.#ports.changed();
      }
    } catch {
      // No member any more, or all is over: there is nobody to show.
    } finally {
      roster.listing = false;
    }
  }

  async #listOnce(conversationId: string): Promise<Member[]> {
    const { service, pause, signal } = this.#ports;
    const all: Member[] = [];
    for (let pageToken = ''; ; ) {
      const request = { conversationId, pageSize: PAGE_SIZE, pageToken };
      const page = await retrying(() => service.listMembers(request, { signal }), { pause, signal });
      all.push(...page.members);
      pageToken = page.nextPageToken;
      if (pageToken === '') return all;
    }
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
