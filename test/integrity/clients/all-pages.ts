import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListMessagesRequestSchema,
  ListMessagesResponse,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import { CallFailure } from '../../e2e/clients/caller.ts';
import { toFailure } from '../../e2e/clients/connect-caller.ts';
import type { Seen } from '../history/line.ts';
import { listed } from './said.ts';

const PAGE_SIZE = 200;

/** Every message of a conversation after a seq, page by page. Whoever asks too often comes back when they are told to. */
export async function allPages(
  ask: (request: MessageInitShape<typeof ListMessagesRequestSchema>) => Promise<ListMessagesResponse>,
  conversationId: string,
  afterSeq = 0,
): Promise<Seen[]> {
  const messages: Seen[] = [];
  for (let value = BigInt(afterSeq); ; ) {
    const from = { case: 'afterSeq' as const, value };
    const page = await patiently(() => ask({ conversationId, from, pageSize: PAGE_SIZE }));
    messages.push(...page.messages.map(listed));
    if (!page.hasMore) return messages;
    value = page.throughSeq;
  }
}

async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const { code, retryAfterMs } = thrown instanceof CallFailure ? thrown : toFailure(thrown);
      if (code !== 'RESOURCE_EXHAUSTED' || retryAfterMs === undefined) throw thrown;
      await delay(retryAfterMs);
    }
  }
}
