import type { Lists } from '../chat/conversation-sync.ts';
import { greatest, least } from './seqs.ts';

/** How far each conversation goes for the user. Whose membership has ended and begun anew is in both lists. */
export function endsOf({ present, left = [] }: Lists): Map<string, bigint> {
  const ends = new Map(present.map(({ conversationId, lastSeq }) => [conversationId, lastSeq]));
  for (const { conversationId, leftSeq } of left) {
    ends.set(conversationId, greatest(leftSeq, ends.get(conversationId)));
  }
  return ends;
}

/** How far the conversations of the user went when they were last listed: what is beyond is new since then. */
export class Standing {
  #ends: Map<string, bigint> | undefined;
  // Whether those are all: others are newer.
  #isWhole = false;

  /** Whether anything was listed. */
  get isKnown(): boolean {
    return this.#ends !== undefined;
  }

  of(conversationId: string): bigint | undefined {
    return this.#ends?.get(conversationId);
  }

  /**
   * Answers from where what is new in a conversation is to be read: from where it stood, or when it is new from its beginning.
   * When not all were listed, one that seems new may be old: what is new is its present membership alone.
   */
  beginnings({ present }: Lists): (conversationId: string) => bigint | undefined {
    if (!this.isKnown) return () => undefined;
    const joined = new Map(present.map(({ conversationId, joinedSeq }) => [conversationId, joinedSeq - 1n]));
    return (conversationId) => this.of(conversationId) ?? (this.#isWhole ? 0n : joined.get(conversationId));
  }

  /** Takes newer lists. What a server does not list that was listed before stands where it stood. */
  note(lists: Lists): void {
    const isWhole = lists.left !== undefined;
    const older = isWhole ? [] : (this.#ends ?? []);
    this.#ends = new Map([...older, ...endsOf(lists)]);
    this.#isWhole ||= isWhole;
  }

  /** The log is another one, in which conversations may end earlier. What came of it already is new all the same. */
  rewind(ends: ReadonlyMap<string, bigint>, beforeWhatCame: (conversationId: string) => bigint | undefined): void {
    for (const [conversationId, end] of ends) {
      if ((this.of(conversationId) ?? 0n) <= end) continue;
      this.#ends?.set(conversationId, least(end, beforeWhatCame(conversationId)) ?? end);
    }
  }
}
