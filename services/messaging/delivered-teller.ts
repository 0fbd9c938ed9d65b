import type { TransientPublisher } from '@realchat/transients';

/** Tells the members of a conversation how far messages have reached one of them. */
export interface DeliveredTeller {
  /** To be told soon. A newer one of the same member takes its place until then. Returns at once. */
  note(conversationId: string, userId: string, number: bigint): void;
  stop(): void;
}

/** What is noted within it goes together, in milliseconds. */
const GAP_MS = 100;
/** More than these wait for nothing: what comes besides is not told. */
const MAX_WAITING = 10_000;

/** What a crash loses of it is not made up for: the position is stored, and the next one is told again. */
export function createDeliveredTeller(publish: TransientPublisher['publish']): DeliveredTeller {
  const waiting = new Map<string, { conversationId: string; userId: string; number: bigint }>();
  let timer: NodeJS.Timeout | undefined;

  const tell = (): void => {
    timer = undefined;
    for (const { conversationId, userId, number } of waiting.values()) {
      publish({ conversationId, actorId: userId, kind: { case: 'deliveredAdvanced', value: { number } } });
    }
    waiting.clear();
  };

  return {
    note(conversationId, userId, number) {
      const key = `${conversationId}/${userId}`;
      const known = waiting.get(key);
      if (known ? known.number >= number : waiting.size >= MAX_WAITING) return;
      waiting.set(key, { conversationId, userId, number });
      timer ??= setTimeout(tell, GAP_MS);
    },
    stop() {
      clearTimeout(timer);
      tell();
    },
  };
}
