import { randomUUID } from 'node:crypto';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { CallFailure } from '../../e2e/clients/caller.ts';
import type { Journal } from '../history/journal.ts';
import type { BareDevice } from './bare-device.ts';
import type { Device } from './device.ts';

const CREATE_TRIES = 20;

/** Who is in which conversation, as far as the clients know, and the calls that change it. */
export class Membership {
  readonly #journal: Journal;
  readonly #owners = new Map<string, BareDevice>();
  readonly #members = new Map<string, Set<string>>();
  /** Everybody who was ever let in. */
  readonly #ever = new Map<string, Set<string>>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  isMember(conversation: string, user: string): boolean {
    return this.#members.get(conversation)?.has(user) ?? false;
  }

  /** The conversations that a user was ever in. */
  everIn(user: string): string[] {
    return [...this.#ever].filter(([, users]) => users.has(user)).map(([conversation]) => conversation);
  }

  /** Answers the id of the new conversation. */
  async create(owner: BareDevice, title: string, others: readonly Device[]): Promise<string> {
    const call = this.#journal.nextCall();
    const memberIds = others.map((device) => device.userId);
    const users = [owner.userId, ...memberIds];
    this.#journal.write({ type: 'membership', op: 'invoke', call, what: 'create', conversation: '', users });
    const request = { conversation: { case: 'group' as const, value: { title, memberIds } }, requestId: randomUUID() };
    for (let tries = 1; ; tries++) {
      try {
        const response = await owner.call(ConversationService.method.createConversation, request);
        const id = response.conversation?.conversationId ?? '';
        this.#journal.write({ type: 'membership', op: 'ok', call, conversation: id });
        this.#owners.set(id, owner);
        this.#members.set(id, new Set(users));
        this.#ever.set(id, new Set(users));
        return id;
      } catch (error) {
        if (!(error instanceof CallFailure && error.worthRepeating) || tries === CREATE_TRIES) throw error;
      }
    }
  }

  /** Lets somebody in who is no device of the cast. */
  async letIn(conversation: string, userId: string): Promise<void> {
    const call = this.#journal.nextCall();
    this.#journal.write({ type: 'membership', op: 'invoke', call, what: 'add', conversation, users: [userId] });
    const request = { conversationId: conversation, userIds: [userId] };
    await this.#owners.get(conversation)?.call(ConversationService.method.addMembers, request);
    this.#journal.write({ type: 'membership', op: 'ok', call, conversation });
  }

  /** Lets a user in who is out, and puts one out who is in, by the owner. False: the call failed, and nobody knows. */
  async toggle(conversation: string, { userId }: Device): Promise<boolean> {
    const owner = this.#owners.get(conversation);
    const members = this.#members.get(conversation);
    if (!owner || !members || owner.userId === userId) return false;
    const isIn = members.has(userId);
    const call = this.#journal.nextCall();
    const what = isIn ? 'remove' : 'add';
    this.#journal.write({ type: 'membership', op: 'invoke', call, what, conversation, users: [userId] });
    try {
      if (isIn) {
        await owner.call(ConversationService.method.removeMember, { conversationId: conversation, userId });
        members.delete(userId);
      } else {
        this.#ever.get(conversation)?.add(userId);
        await owner.call(ConversationService.method.addMembers, { conversationId: conversation, userIds: [userId] });
        members.add(userId);
      }
      this.#journal.write({ type: 'membership', op: 'ok', call, conversation });
      return true;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const op = error.worthRepeating ? 'info' : 'fail';
      this.#journal.write({ type: 'membership', op, call, reason: error.message });
      // Whoever may have gone already sends no more: the next call lets them in, or says that they are.
      members.delete(userId);
      return false;
    }
  }
}
