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
import { toDeadLetter } from './letter-answer.ts';
import { auditLook, requireOperator } from './operator.ts';

const LOOK_EVERY_MS = 500;
const MOST_AT_ONCE = 10_000;
const COME_BACK_MS = 500;

/** Tells the dead letters that come or change, for as long as the caller is an operator with a token in force. */
export async function watchDeadLetters(
  context: OperationsContext,
  call: Call,
  request: WatchDeadLettersRequest,
  stream: ResponseStream<typeof WatchDeadLettersResponseSchema>,
): Promise<void> {
  await requireOperator(context, call);
  const filter = toLetterFilter(request.filter);
  await auditLook(context, call, 'watch', describeFilter(filter));

  const since = await readClock(context.pool);
  let told = new Map<string, number>();
  while (!call.signal.aborted) {
    const seen = new Map<string, number>();
    for (const letter of await listChanged(context.pool, filter, since, MOST_AT_ONCE)) {
      const id = letterId(letter);
      seen.set(id, letter.version);
      if ((told.get(id) ?? 0) >= letter.version) continue;
      if (!stream.write({ deadLetter: toDeadLetter(letter) })) await stream.drained();
    }
    told = seen;
    const signal = AbortSignal.any([call.signal, context.stopping]);
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
    await requireStill(context, call);
  }
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
