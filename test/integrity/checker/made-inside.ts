import type { Stored } from '../history/history.ts';
import type { Line } from '../history/line.ts';

/** Numbers from 0 up to, not including, `below`. */
export type Pick = (below: number) => number;

/** What a run finds in the stores of a flawless product: the log, the topic with some repeats, what a consumer counted, a dead letter. */
export function insideLines(stored: readonly Stored[], at: number, pick: Pick): Line[] {
  const lines: Line[] = [];
  for (const event of stored) lines.push({ at, type: 'stored', ...structuredClone(event) });
  for (const ofShard of Map.groupBy(stored, (event) => event.shard).values()) {
    for (const [i, event] of ofShard.entries()) {
      const repeats = pick(15) === 0 ? ofShard.slice(Math.max(0, i - 2), i + 1) : [];
      for (const { shard, position, conversation, seq } of [event, ...repeats])
        lines.push({ at, type: 'published', shard, position, conversation, seq });
    }
  }
  const said = stored.filter((event) => event.message);
  for (const events of Map.groupBy(said, ({ conversation, day }) => `${conversation}/${day}`).values()) {
    const { conversation = '', day = '' } = events[0] ?? {};
    const senders = new Set(events.map((event) => event.message?.sender)).size;
    lines.push({ at, type: 'activity', day, conversation, messages: events.length, senders });
  }
  lines.push({ at, type: 'poison', record: 'topic/0/7' });
  lines.push({ at, type: 'dead-letter', record: 'topic/0/7' });
  return lines;
}
