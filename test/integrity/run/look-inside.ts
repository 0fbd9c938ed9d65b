import { whenCounted } from '../../e2e/support/activity-store.ts';
import type { Mesh } from '../../e2e/support/mesh.ts';
import { openMessageStore } from '../../e2e/support/message-store.ts';
import { readDeadLetters, readTopic } from '../../e2e/support/topic.ts';
import { hashOf, type Journal } from '../history/journal.ts';

/** Writes down what the log and the topics hold at the end, when the run could look into them. */
export async function lookInside(mesh: Mesh, journal: Journal): Promise<void> {
  const store = await openMessageStore(mesh);
  try {
    await store.whenPublished(60_000).catch(() => {
      // The checker tells better what is missing.
    });
    for (const { traceparent: _, message, ...event } of await store.events()) {
      const said = message && {
        id: message.messageId,
        number: message.number,
        sender: message.sender,
        key: message.key,
        hash: hashOf(message.text),
      };
      journal.write({ type: 'stored', ...event, ...(said && { message: said }) });
    }
  } finally {
    await store.close();
  }
  const poison = journal.lines.flatMap((line) => (line.type === 'poison' ? [line.record] : []));
  for (const { shard, position, conversation, seq } of await readTopic(mesh, new Set(poison)))
    journal.write({ type: 'published', shard, position, conversation, seq });
  const messages = journal.lines.filter((line) => line.type === 'stored' && line.message).length;
  for (const row of await whenCounted(mesh, messages, 30_000)) journal.write({ type: 'activity', ...row });
  // Without a record: the run has looked.
  journal.write({ type: 'dead-letter', record: '' });
  for (const record of await readDeadLetters(mesh)) journal.write({ type: 'dead-letter', record });
}
