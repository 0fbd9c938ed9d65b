import { expect } from 'vitest';
import { REMEMBERED } from '../domain/stream-record.ts';
import { type EventId, idOf, type MemoryLog } from './memory-log.ts';
import { type ModelMesh, positionsOf } from './model-mesh.ts';
import { eventsOf, type ModelClient, wasReset } from './model-node.ts';
import { SHARDS, USERS } from './model-steps.ts';

const shardIn = (memory: MemoryLog) => (conversationId: string) =>
  memory.conversations.get(conversationId)?.shard ?? -1;

function visibleTo(memory: MemoryLog, userId: string): EventId[] {
  return memory.visible(userId).map((record) => idOf(record, record.shard));
}

/**
 * What a client must have seen of its user's events, by the log alone; throws at the first difference. Not `whole`: up to
 * the newest that it was shown.
 */
export function checkClient(memory: MemoryLog, client: ModelClient, whole: boolean): void {
  const shardOf = shardIn(memory);
  const visible = visibleTo(memory, client.userId);
  const reset = wasReset(client.frames);
  // After a reset, and without a cursor, the stream is continuous from the first cursor that it gave.
  const firstCursor = client.frames.flatMap(({ frame }) => (frame.case === 'caughtUp' ? [frame.value.cursor] : []))[0];
  const first = firstCursor && positionsOf(firstCursor, client.userId);
  const seen = eventsOf(client.frames, shardOf);
  const keys = new Set(visible.map(keyOf));
  for (const event of seen) expect(keys, 'nothing that the user may not see').toContain(keyOf(event));
  for (let shard = 0; shard < SHARDS; shard++) {
    const positions = seen.filter((event) => event.shard === shard).map((event) => event.position);
    expect(positions, 'in order, each once').toEqual([...new Set(positions)].sort((a, b) => a - b));
    const after = !reset && client.from ? client.from[shard] : first?.[shard];
    if (after === undefined) continue;
    const through = whole ? Number.POSITIVE_INFINITY : (positions.at(-1) ?? 0);
    const due = visible.filter((event) => event.shard === shard && event.position > after && event.position <= through);
    expect(
      positions.filter((position) => position > after),
      'nothing is missed',
    ).toEqual(due.map((event) => event.position));
  }
  const base = reset || !client.from ? first : client.from;
  if (base) checkCursors(client, visible, base, shardOf);
}

/** A cursor covers what stands before it, all of that, and nothing that comes after. */
function checkCursors(
  client: ModelClient,
  visible: EventId[],
  base: readonly number[],
  shardOf: (id: string) => number,
): void {
  const before = new Set<string>();
  let newest: readonly number[] = base.map(() => 0);
  for (const { frame } of client.frames) {
    if (frame.case === 'event') {
      const event = idOf(frame.value, shardOf(frame.value.conversationId));
      expect(event.position, 'what comes after a cursor is not covered by it').toBeGreaterThan(
        newest[event.shard] ?? 0,
      );
      before.add(keyOf(event));
    }
    if (frame.case !== 'caughtUp' && frame.case !== 'checkpoint') continue;
    newest = positionsOf(frame.value.cursor, client.userId);
    for (const event of visible) {
      const covered = event.position > (base[event.shard] ?? 0) && event.position <= (newest[event.shard] ?? 0);
      if (covered) expect(before, 'what a cursor covers was sent before it').toContain(keyOf(event));
    }
  }
}

/** What each node remembers of its streams is what their clients saw. */
export function checkRemembered({ memory, slots }: ModelMesh): void {
  for (const { node, clients } of slots) {
    for (const userId of USERS) {
      const streams = node.streams.find(userId, memory.epoch, 0);
      // One that came before the node knew the log was no stream.
      const ofUser = clients.filter((client) => client.userId === userId && client.ended !== 'DEPENDENCY_UNAVAILABLE');
      expect(streams).toHaveLength(ofUser.length);
      for (const [index, { frames }] of ofUser.entries()) {
        const shown = eventsOf(frames, shardIn(memory)).map(keyOf);
        const seen = new Set(shown);
        // Of a longer stream the newest are known for certain: what was dropped at its end takes places as well.
        const forgettable = shown.length > REMEMBERED / 2 ? ['forgotten'] : [];
        const newest = new Set(shown.slice(-REMEMBERED / 2));
        const stream = streams[index];
        for (const event of visibleTo(memory, userId)) {
          const fate = stream?.record.pushOf(event.shard, event.position, stream.written).fate;
          if (newest.has(keyOf(event))) expect(fate).toBe('pushed');
          else if (seen.has(keyOf(event))) expect(['pushed', ...forgettable]).toContain(fate);
          else expect(['dropped', 'covered', 'before', 'opening', 'unread', ...forgettable]).toContain(fate);
        }
      }
    }
  }
}

function keyOf(event: EventId): string {
  return `${event.conversationId}/${event.seq}`;
}
