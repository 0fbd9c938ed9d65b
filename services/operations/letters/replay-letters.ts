import type { MessageInitShape } from '@bufbuild/protobuf';
import { type RecordFetcher, replayOf } from '@realchat/eventlog';
import { DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';
import {
  ReplayOrder,
  type ReplayOutcomeSchema,
  ReplayResult,
} from '@realchat/gen/realchat/operations/v1/dead_letter_service';
import type { OperationsContext } from '../context.ts';
import type { StoredLetter } from '../db/letter-row.ts';
import { deadOffsets, listOpenBefore } from '../db/list-letters.ts';
import { beginReplay, endReplay, giveUpReplay } from '../db/replay-letter.ts';
import { letterId } from '../domain/letter-id.ts';
import { fetchLetter } from './fetch-letter.ts';
import { lookBehind, type OrderOf } from './later-records.ts';

type Outcome = MessageInitShape<typeof ReplayOutcomeSchema> & { result: ReplayResult };

/** How to replay, and for whom. */
export interface ReplayOptions {
  dryRun: boolean;
  /** Replays what an earlier dead letter of its key holds back, too. */
  outOfOrder: boolean;
  userId: string;
  traceId: string;
}

const { UNSPECIFIED, KEPT, OVERTAKEN, NOT_KNOWN, NO_KEY } = ReplayOrder;

const ORDER_WORDS: Record<number, string> = {
  [UNSPECIFIED]: '',
  [KEPT]: 'no record of its key follows where it stood',
  [OVERTAKEN]: 'later records of its key have been read already, so it comes late; readers go by position',
  [NOT_KNOWN]: 'too many records follow where it stood to look for its key',
  [NO_KEY]: 'it has no key, so it has no order',
};

/**
 * Appends the records of dead letters again, one after the other in the order given, which is that of their offsets.
 * Rejects with EventLogUnavailableError when the broker goes away in between: what was not reached is as before.
 */
export function replayLetters(
  context: OperationsContext,
  letters: readonly StoredLetter[],
  options: ReplayOptions,
): Promise<Outcome[]> {
  return context.eventLog.fetching(async (fetcher) => {
    const outcomes: Outcome[] = [];
    const gone = new Set<string>();
    for (const ofPartition of byPartition(letters)) {
      const orderOf = await createOrder(context, fetcher, ofPartition);
      for (const letter of ofPartition) {
        const outcome = await replayOne(context, fetcher, letter, { ...options, gone, orderOf });
        if (outcome.result === ReplayResult.REPLAYED || outcome.result === ReplayResult.WOULD_REPLAY) {
          gone.add(letterId(letter));
        }
        outcomes.push(outcome);
      }
    }
    return outcomes;
  });
}

async function createOrder(
  { pool }: OperationsContext,
  fetcher: RecordFetcher,
  letters: readonly StoredLetter[],
): Promise<OrderOf> {
  const open = letters.filter(({ state }) => state === DeadLetterState.OPEN || state === DeadLetterState.REPLAYING);
  const [first] = open;
  return lookBehind(fetcher, open, first ? await deadOffsets(pool, first) : new Set());
}

async function replayOne(
  context: OperationsContext,
  fetcher: RecordFetcher,
  letter: StoredLetter,
  options: ReplayOptions & { gone: ReadonlySet<string>; orderOf: OrderOf },
): Promise<Outcome> {
  const { pool, producer } = context;
  const id = letterId(letter);
  const ends = (result: ReplayResult, detail: string, order: ReplayOrder = UNSPECIFIED, newOffset = -1n): Outcome => ({
    deadLetterId: id,
    result,
    order,
    detail,
    newOffset,
  });
  const { OPEN, REPLAYING } = DeadLetterState;
  if (letter.state !== OPEN && letter.state !== REPLAYING) return ends(ReplayResult.NOT_OPEN, NOT_OPEN_WORDS);

  if (!options.outOfOrder && letter.key) {
    const earlier = (await listOpenBefore(pool, letter)).map(letterId).find((each) => !options.gone.has(each));
    if (earlier) return ends(ReplayResult.HELD_BACK, `${earlier} of the same key is open and comes first`);
  }
  const kept = await fetchLetter(fetcher, letter);
  if (!kept || kept.valueIs === 'left-out')
    return ends(ReplayResult.EXPIRED, 'the log does not keep the record any more');
  if (kept.valueIs === 'batch') {
    return ends(
      ReplayResult.UNREADABLE,
      'it is a whole batch that could not be taken apart; let its producer send again',
    );
  }
  const order = options.orderOf(letter);
  if (options.dryRun) return ends(ReplayResult.WOULD_REPLAY, wordsOf(order), order);

  const { userId, traceId } = options;
  const action = { userId, action: 'replay', subject: id, detail: wordsOf(order), traceId };
  const replay = await beginReplay(pool, letter, action);
  if (replay === undefined) return ends(ReplayResult.NOT_OPEN, NOT_OPEN_WORDS);
  try {
    const [place] = await producer.send([replayOf(kept, replay)]);
    await endReplay(pool, letter, replay);
    return ends(ReplayResult.REPLAYED, wordsOf(order), order, place?.baseOffset ?? -1n);
  } catch (error) {
    // When the database is away as well, it is free again after a minute.
    await giveUpReplay(pool, letter, replay).catch(() => {});
    throw error;
  }
}

const wordsOf = (order: ReplayOrder): string => ORDER_WORDS[order] ?? '';

const NOT_OPEN_WORDS = 'it is not open';

function byPartition(letters: readonly StoredLetter[]): StoredLetter[][] {
  return [...Map.groupBy(letters, ({ topic, partition }) => `${topic}/${partition}`).values()];
}
