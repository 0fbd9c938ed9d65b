import { membershipUnreadable } from './endings.ts';
import type { Frame } from './frames.ts';
import type { LogEntry } from './log-entry.ts';
import type { Audience, Session } from './session.ts';

/** Hands applied entries to the live sessions that may see them, and follows who may. */
export class Hub {
  readonly #audiences = new Map<string, Audience>();
  readonly #sessionsOf = new Map<string, Set<Session>>();

  /** Adds a live session as a member of these conversations. */
  join(session: Session, conversationIds: Iterable<string>): void {
    const sessions = this.#sessionsOf.get(session.userId);
    if (sessions) sessions.add(session);
    else this.#sessionsOf.set(session.userId, new Set([session]));
    for (const conversationId of conversationIds) this.#enter(session, conversationId);
  }

  /** Removes a session from everywhere. */
  leave(session: Session): void {
    for (const audience of session.audiences) this.#exit(session, audience);
    const sessions = this.#sessionsOf.get(session.userId);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessionsOf.delete(session.userId);
  }

  /**
   * Sends an entry to the sessions that may see it; returns how many. Who joins by it sees it, and who leaves by it sees
   * it as the last one.
   */
  publish(entry: LogEntry): number {
    const { membership, conversationId } = entry;
    if (membership === 'unreadable') {
      this.#endAll();
      return 0;
    }
    for (const userId of membership?.joined ?? []) {
      for (const session of this.#sessionsOf.get(userId) ?? []) {
        if (session.takes(entry)) this.#enter(session, conversationId);
      }
    }
    const audience = this.#audiences.get(conversationId);
    if (!audience) return 0;
    let copies = 0;
    for (const session of audience.sessions) {
      if (!session.takes(entry)) continue;
      session.send(entry.frame);
      copies++;
    }
    if (membership?.left !== undefined) {
      for (const session of this.#sessionsOf.get(membership.left) ?? []) {
        if (session.takes(entry)) this.#exit(session, audience);
      }
    }
    return copies;
  }

  /** Offers a frame that may be lost to the live sessions of a conversation's members, except the actor's own. */
  whisper(conversationId: string, actorId: string, frame: Frame): { pushed: number; dropped: number } {
    const told = { pushed: 0, dropped: 0 };
    for (const session of this.#audiences.get(conversationId)?.sessions ?? []) {
      if (session.userId === actorId) continue;
      if (session.offer(frame)) told.pushed++;
      else told.dropped++;
    }
    return told;
  }

  /** True when a live session here knows the user as a member. False says nothing. */
  knowsMember(userId: string, conversationId: string): boolean {
    const audience = this.#audiences.get(conversationId);
    if (!audience) return false;
    for (const session of this.#sessionsOf.get(userId) ?? []) if (audience.sessions.has(session)) return true;
    return false;
  }

  /** Conversations with a live member here, and users with a live session. */
  get size(): { conversations: number; users: number } {
    return { conversations: this.#audiences.size, users: this.#sessionsOf.size };
  }

  #enter(session: Session, conversationId: string): void {
    let audience = this.#audiences.get(conversationId);
    if (!audience) {
      audience = { conversationId, sessions: new Set() };
      this.#audiences.set(conversationId, audience);
    }
    audience.sessions.add(session);
    session.audiences.add(audience);
  }

  #exit(session: Session, audience: Audience): void {
    session.audiences.delete(audience);
    audience.sessions.delete(session);
    if (audience.sessions.size === 0) this.#audiences.delete(audience.conversationId);
  }

  /** Nobody can tell who may see what follows. Each session comes back to a snapshot that knows. */
  #endAll(): void {
    for (const sessions of this.#sessionsOf.values()) {
      for (const session of sessions) session.end(membershipUnreadable());
    }
  }
}
