import { setTimeout as delay } from 'node:timers/promises';
import type {
  WatchDeadLettersRequest,
  WatchDeadLettersResponseSchema,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import { type Call, Code, type ResponseStream, RpcError, tokenRevoked } from '@realchat/rpc';
import type { OperationsContext } from '../context.ts';
import { listChanged, readClock } from '../db/list-letters.ts';
import { describeFilter, toLetterFilter } from '../domain/letter-filter.ts';
import { letterId } from '../domain/letter-id.ts';
import { decodeWatchCursor, encodeWatchCursor } from '../domain/watch-cursor.ts';
import { toDeadLetter } from './letter-answer.ts';
import { auditLook, requireOperator } from './operator.ts';

const LOOK_EVERY_MS = 500;
const MOST_AT_ONCE = 10_000;
const COME_BACK_MS = 500;
const ALIVE_EVERY_MS = 15_000;
/** A transaction that commits so late is not missed: each look goes back so far, and knows what was told. */
const LATE_COMMIT_MS = 10_000;

/** Tells the dead letters that come or change, for as long as the caller is an operator with a token in force. */
export async function watchDeadLetters(
  context: OperationsContext,
  call: Call,
  request: WatchDeadLettersRequest,
  stream: ResponseStream<typeof WatchDeadLettersResponseSchema>,
): Promise<void> {
  await requireOperator(context, call);
  const filter = toLetterFilter(request.filter);
  const begin = request.cursor.length > 0 ? decodeWatchCursor(request.cursor) : await readClock(context.pool);
  await auditLook(context, call, 'watch', describeFilter(filter));

  let from = begin;
  let told = new Map<string, number>();
  let aliveAt = Number.NEGATIVE_INFINITY;
  const tell = async (deadLetter?: ReturnType<typeof toDeadLetter>) => {
    aliveAt = performance.now();
    const cursor = encodeWatchCursor(from);
    if (!stream.write(deadLetter ? { deadLetter, cursor } : { cursor })) await stream.drained();
  };
  while (!call.signal.aborted) {
    const clock = await readClock(context.pool);
    const changed = await listChanged(context.pool, filter, from, MOST_AT_ONCE);
    const seen = new Map<string, number>();
    for (const letter of changed) {
      const id = letterId(letter);
      seen.set(id, letter.version);
      if ((told.get(id) ?? 0) < letter.version) await tell(toDeadLetter(letter));
    }
    told = seen;
    const last = changed.length < MOST_AT_ONCE ? undefined : changed.at(-1);
    // So many at once are gone through without looking back.
    from = last?.updateTime ?? laterOf(begin, new Date(clock.getTime() - LATE_COMMIT_MS));
    if (performance.now() - aliveAt > ALIVE_EVERY_MS) await tell();
    const signal = AbortSignal.any([call.signal, context.stopping]);
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    await requireStill(context, call);
  }
}

function laterOf(one: Date, other: Date): Date {
  return one > other ? one : other;
}

async function requireStill(context: OperationsContext, call: Call): Promise<void> {
  if (call.signal.aborted) return;
  if (context.stopping.aborted) {
    throw new RpcError(Code.UNAVAILABLE, 'DRAINING', 'this instance is stopping', { retryAfterMs: COME_BACK_MS });
  }
  const { sessionId, expiresAt } = call.caller;
  if (context.isRevoked(sessionId)) throw tokenRevoked();
  if (Date.now() >= expiresAt) {
    throw new RpcError(Code.UNAUTHENTICATED, 'TOKEN_EXPIRED', 'the token has ended; watch again with a newer one');
  }
  await requireOperator(context, call);
}
