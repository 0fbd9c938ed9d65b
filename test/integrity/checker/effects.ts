import type { History } from '../history/history.ts';
import type { Violation } from './violation.ts';

/** Where a consumer that counts messages and their senders, by day and conversation, has another count than the log. */
export function* miscounted({ stored = [], activity }: History): Generator<Violation> {
  if (!activity) return;
  const counted = new Map(activity.map((each) => [keyOf(each), each]));
  for (const [key, events] of Map.groupBy(
    stored.filter((event) => event.message),
    keyOf,
  )) {
    const found = counted.get(key);
    counted.delete(key);
    const [messages, senders] = [events.length, new Set(events.map((event) => event.message?.sender)).size];
    if (found?.messages === messages && found.senders === senders) continue;
    const told = `${found?.messages ?? 0} messages by ${found?.senders ?? 0}`;
    yield { text: `a consumer counted ${told} in ${key}, the log has ${messages} by ${senders}` };
  }
  for (const [key, { messages }] of counted)
    yield { text: `a consumer counted ${messages} messages in ${key}, where the log has none` };
}

function keyOf({ conversation, day }: { conversation: string; day: string }): string {
  return `${conversation} on ${day}`;
}
