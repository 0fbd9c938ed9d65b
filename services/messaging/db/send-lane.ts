import { type Client, createClient, isDatabaseUnavailable } from '@realchat/db';
import type { Logger } from '@realchat/telemetry';
import { appendMessages, type Draft, type Outcome } from './append-messages.ts';

/** Commits messages in groups: what arrived while the last transaction was in flight goes together in the next. */
export interface SendLane {
  /** Resolves once the draft's outcome is durable. Throws LaneFullError, or an error of the database. */
  append(draft: Draft): Promise<Outcome>;
  /** Drafts that wait or are in flight. */
  readonly depth: number;
  stop(): Promise<void>;
}

/** More waits than the lane may hold: the sender is to come back later. */
export class LaneFullError extends Error {
  override name = 'LaneFullError';
}

const MAX_WAITING = 5_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Of one sender, so that nobody fills the lane alone. */
const MAX_WAITING_OF_SENDER = 500;
const MAX_BATCH = 512;
const MAX_BATCH_BYTES = 2 * 1024 * 1024;
// A prepared statement keeps the plan that fitted the tables when it was new. On a young database that is one for tiny
// tables, until statistics come a minute later: by then an append costs six times as much.
const FIRST_REPLAN_AFTER = 1_000;

interface Waiting {
  draft: Draft;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * One lane for a whole instance, whatever the shards: it has one connection of its own and one transaction in flight.
 * `committed` learns which shards have new events.
 */
export function createSendLane(options: {
  url: string;
  log: Logger;
  committed: (shards: Iterable<number>) => void;
  observeBatch: (size: number) => void;
}): SendLane {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  const waitingOf = new Map<string, number>();
  /** The draft that waits or is in flight under each key. */
  const pending = new Map<string, { draft: Draft; outcome: Promise<Outcome> }>();
  let client: Client | undefined;
  let appended = 0;
  let replanAt = FIRST_REPLAN_AFTER;
  let running: Promise<void> | undefined;

  const connection = async (): Promise<Client> => {
    if (client) return client;
    const fresh = createClient({ url: options.url, name: 'messaging-send-lane', pipeline: true });
    await fresh.connect();
    fresh.on('end', () => {
      if (client === fresh) client = undefined;
    });
    client = fresh;
    appended = 0;
    replanAt = FIRST_REPLAN_AFTER;
    return fresh;
  };

  /** Has the statements planned anew each time that twice as much has been appended. */
  const replan = (used: Client, count: number): void => {
    appended += count;
    if (appended < replanAt) return;
    replanAt = appended * 2;
    // Goes ahead of the next batch on the same connection; what fails it fails that batch, too.
    used.query('discard plans').catch(() => {});
  };

  const drop = (broken: Client) => {
    if (client === broken) client = undefined;
    broken.end().catch(() => {});
  };

  const commit = async (batch: Waiting[]): Promise<void> => {
    let used: Client | undefined;
    try {
      used = await connection();
      const outcomes = await appendMessages(
        used,
        batch.map((each) => each.draft),
      );
      replan(used, batch.length);
      options.observeBatch(batch.length);
      options.committed(new Set(batch.map((each) => each.draft.shard)));
      for (const [i, each] of batch.entries()) each.resolve(outcomes[i] as Outcome);
    } catch (error) {
      if (isDatabaseUnavailable(error)) {
        // The commit's answer may be what was lost: the connection's state is unknown, and so is the outcome.
        if (used) drop(used);
        for (const each of batch) each.reject(error);
      } else if (batch.length > 1) {
        options.log.warn({ err: error, size: batch.length }, 'a batch failed; its messages are committed one by one');
        for (const each of batch) await commit([each]);
      } else {
        batch[0]?.reject(error);
      }
    }
  };

  const run = async () => {
    while (waiting.length > 0) await commit(takeBatch());
    running = undefined;
  };

  const takeBatch = (): Waiting[] => {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && count < MAX_BATCH && bytes < MAX_BATCH_BYTES) {
      bytes += waiting[count]?.draft.body.length ?? 0;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const { draft } of batch) leave(draft);
    return batch;
  };

  const leave = ({ senderId, body }: Draft): void => {
    waitingBytes -= body.length;
    const left = (waitingOf.get(senderId) ?? 0) - 1;
    if (left > 0) waitingOf.set(senderId, left);
    else waitingOf.delete(senderId);
  };

  const enqueue = (draft: Draft): Promise<Outcome> => {
    const ofSender = waitingOf.get(draft.senderId) ?? 0;
    const full = waiting.length >= MAX_WAITING || waitingBytes + draft.body.length > MAX_WAITING_BYTES;
    if (full || ofSender >= MAX_WAITING_OF_SENDER) throw new LaneFullError('too many messages wait to be committed');
    waitingBytes += draft.body.length;
    waitingOf.set(draft.senderId, ofSender + 1);
    return new Promise<Outcome>((resolve, reject) => {
      waiting.push({ draft, resolve, reject });
      // A turn of the event loop later, so that what came in one read of a socket goes together.
      running ??= new Promise(setImmediate).then(run);
    });
  };

  const append = async (draft: Draft): Promise<Outcome> => {
    const key = `${draft.senderId}/${draft.deviceId}/${draft.clientMessageId}`;
    const earlier = pending.get(key);
    if (earlier) {
      // A repeat shares the outcome; another message under the same key is judged once the first one's is known.
      if (earlier.draft.requestHash.equals(draft.requestHash)) return asRepeat(await earlier.outcome);
      await earlier.outcome.catch(() => {});
      return append(draft);
    }
    const outcome = enqueue(draft);
    pending.set(key, { draft, outcome });
    try {
      return await outcome;
    } finally {
      pending.delete(key);
    }
  };

  return {
    append,
    get depth() {
      return pending.size;
    },
    async stop() {
      while (running) await running;
      await client?.end().catch(() => {});
    },
  };
}

function asRepeat(outcome: Outcome): Outcome {
  return outcome.kind === 'stored' ? { ...outcome, kind: 'repeated' } : outcome;
}
