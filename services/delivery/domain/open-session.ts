import { ResetReason } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { unavailable } from '@realchat/rpc';
import { slowConsumer } from './endings.ts';
import { caughtUpFrame, type Frame, resetFrame } from './frames.ts';
import type { Hub } from './hub.ts';
import type { NodeLog } from './node-log.ts';
import type { QueueBudget } from './queue-budget.ts';
import type { Session } from './session.ts';
import { visibleEntries } from './visible-entries.ts';

/** What a user's stream starts from, as the database saw it at one moment. */
export interface Snapshot {
  conversationIds: string[];
  /** What was missed and may be seen, in order of position within each shard. */
  missed: Frame[];
  /** By shard id: what comes after is not in `missed`. */
  heads: number[];
}

/** Thrown when more was missed than is replayed, or when a position is beyond the log. */
export class BacklogTooLargeError extends Error {
  override name = 'BacklogTooLargeError';
}

/** What opening a session needs. */
export interface Opening {
  log: NodeLog<unknown>;
  hub: Hub;
  budget: QueueBudget;
  /** Reads a snapshot; without positions nothing was missed. Throws BacklogTooLargeError. */
  readSnapshot: (session: Session, after: readonly number[] | undefined) => Promise<Snapshot>;
}

/** How many snapshots are read for a session that does not catch up with the log meanwhile. */
const ATTEMPTS = 5;

/**
 * Brings a session from where it was to live: a snapshot of the database and what was missed up to it, then, in one step
 * that nothing can come between, what this node has applied since then, `caught_up`, and its place among the live ones.
 */
export async function openSession(
  opening: Opening,
  session: Session,
  after: readonly number[] | undefined,
): Promise<void> {
  let seen = after;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const snapshot = await readOrReset(opening, session, seen);
    session.startReplay();
    await replay(opening.budget, session, snapshot.missed);
    if (session.state === 'ended' || cutOver(opening, session, snapshot)) return;
    seen = snapshot.heads;
  }
  session.end(slowConsumer());
}

async function readOrReset(
  { log, readSnapshot }: Opening,
  session: Session,
  after: readonly number[] | undefined,
): Promise<Snapshot> {
  try {
    return checked(await readSnapshot(session, after), log);
  } catch (error) {
    if (!after || !(error instanceof BacklogTooLargeError)) throw error;
    const snapshot = checked(await readSnapshot(session, undefined), log);
    // A cursor of ours beyond the log: the log has lost its end, and with it what made it the same log.
    const beyond = after.some((position, shard) => position > (snapshot.heads[shard] ?? 0));
    session.record.startedOver();
    session.send(resetFrame(beyond ? ResetReason.EPOCH_CHANGED : ResetReason.BACKLOG_TOO_LARGE));
    return snapshot;
  }
}

function checked(snapshot: Snapshot, log: NodeLog<unknown>): Snapshot {
  if (snapshot.heads.length === log.shardCount) return snapshot;
  throw unavailable('the event log is being replaced');
}

/** Sends what was missed no faster than the peer takes it. */
async function replay(budget: QueueBudget, session: Session, missed: Frame[]): Promise<void> {
  for (const frame of missed) budget.hold(frame);
  let sent = 0;
  try {
    if (budget.exceeded) throw unavailable('this instance replays as much as it can hold');
    for (const frame of missed) {
      if (session.state === 'ended') return;
      session.send(frame);
      budget.release(frame);
      sent++;
      await session.idle();
    }
  } finally {
    for (const frame of missed.slice(sent)) budget.release(frame);
  }
}

/** False when this node does not have at hand all that was applied since the snapshot, or more than is sent at once. */
function cutOver({ log, hub }: Opening, session: Session, { conversationIds, heads }: Snapshot): boolean {
  const applied = log.since(heads);
  const memberships = new Set(conversationIds);
  const visible = applied && visibleEntries(session.userId, memberships, applied);
  if (!visible || !session.roomFor(visible)) return false;
  for (const entry of visible) session.send(entry.frame);
  const tails = log.positions();
  const ahead = tails.some((position, shard) => position < (heads[shard] ?? 0));
  session.goLive(ahead ? heads : undefined, caughtUpFrame);
  session.record.caughtUp(tails.map((position, shard) => Math.max(position, heads[shard] ?? 0)));
  if (session.state === 'live') hub.join(session, memberships);
  return true;
}
