import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListMessagesRequest,
  ListMessagesResponseSchema,
} from '@realchat/gen/realchat/messaging/v1/message_service';
import type { Call } from '@realchat/rpc';
import type { MessagingContext } from '../context.ts';
import { readMessages, readVisibility, type Visibility } from '../db/read-messages.ts';
import { type StoredMessage, toMessage } from '../domain/message-bytes.ts';
import { conversationNotFound } from './refusals.ts';

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_BYTES = 1024 * 1024;
const BEYOND_ALL = 2n ** 63n - 1n;

/** Returns a page of the messages that the caller's stints as a member let them see. */
export async function listMessages(
  context: MessagingContext,
  call: Call,
  request: ListMessagesRequest,
): Promise<MessageInitShape<typeof ListMessagesResponseSchema>> {
  const key = { userId: call.caller.userId, conversationId: request.conversationId };
  // Read before the messages: what is committed in between is beyond the page's stated end, never inside it and missing.
  const visible = await readVisibility(context.pool, key.userId, key.conversationId);
  if (!visible) throw conversationNotFound();

  const size = request.pageSize || DEFAULT_PAGE_SIZE;
  const newestFirst = request.from.case !== 'afterSeq';
  const after = request.from.case === 'afterSeq' ? request.from.value : 0n;
  const before = request.from.case === 'beforeSeq' ? request.from.value : BEYOND_ALL;
  // What was before the caller's first stint is not looked through.
  const within = { after: max(after, visible.firstSeq - 1n), before };
  const rows = await readMessages(context.pool, {
    ...key,
    ...within,
    newestFirst,
    limit: size + 1,
    limitBytes: MAX_PAGE_BYTES,
  });

  const page = rows.slice(0, countThatFits(rows, size));
  const hasMore = page.length < rows.length;
  return {
    messages: (newestFirst ? page.toReversed() : page).map(toMessage),
    hasMore,
    ...coverage(page, hasMore, { newestFirst, after, before }, visible),
  };
}

function countThatFits(rows: StoredMessage[], size: number): number {
  let bytes = 0;
  let count = 0;
  for (const row of rows.slice(0, size)) {
    bytes += row.body.length;
    if (count > 0 && bytes > MAX_PAGE_BYTES) break;
    count++;
  }
  return count;
}

/** The stretch of seqs in which the page leaves nothing out. `page` is in the order it was read. */
function coverage(
  page: StoredMessage[],
  hasMore: boolean,
  asked: { newestFirst: boolean; after: bigint; before: bigint },
  visible: Visibility,
): { fromSeq: bigint; throughSeq: bigint } {
  const nearest = page[0]?.seq;
  const farthest = page.at(-1)?.seq;
  if (asked.newestFirst) {
    const end = asked.before === BEYOND_ALL ? max(visible.lastSeq, nearest ?? 0n) : asked.before - 1n;
    return { fromSeq: hasMore && farthest ? farthest : visible.firstSeq, throughSeq: end };
  }
  const end = hasMore && farthest ? farthest : max(visible.lastSeq, farthest ?? 0n);
  return { fromSeq: asked.after + 1n, throughSeq: max(end, asked.after) };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
