import type { LogEntry } from './log-entry.ts';

/**
 * The entries that a user may see, who is a member of `conversationIds` where they begin. The set is changed to the
 * memberships where they end. Undefined when an entry changes memberships in a way that cannot be read.
 */
export function visibleEntries(
  userId: string,
  conversationIds: Set<string>,
  entries: readonly LogEntry[],
): LogEntry[] | undefined {
  const visible: LogEntry[] = [];
  for (const entry of entries) {
    const { membership, conversationId } = entry;
    if (membership === 'unreadable') return undefined;
    if (membership?.joined.includes(userId)) conversationIds.add(conversationId);
    if (conversationIds.has(conversationId)) visible.push(entry);
    if (membership?.left === userId) conversationIds.delete(conversationId);
  }
  return visible;
}
