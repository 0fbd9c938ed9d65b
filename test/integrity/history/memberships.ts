import type { Join, Leave, Seen, Stint } from './history.ts';

/** A call that changes who is a member: when it left, and when it was acked. */
export interface MembershipChange {
  what: string;
  conversation: string;
  users: string[];
  from: number;
  okAt?: number;
}

/** What the calls say of who came and who went. */
export function comingsAndGoings(changes: readonly MembershipChange[]): { joins: Join[]; leaves: Leave[] } {
  const joins: Join[] = [];
  const leaves: Leave[] = [];
  for (const { what, conversation, users, from, okAt } of changes) {
    if (what === 'create' || what === 'add') for (const user of users) joins.push({ user, conversation, from });
    if ((what !== 'remove' && what !== 'leave') || okAt === undefined) continue;
    for (const user of users) {
      // Also one that was under way at the same time: which of them came last is not known.
      const back = changes.filter(
        (each) =>
          each.what === 'add' &&
          each.conversation === conversation &&
          each.users.includes(user) &&
          (each.okAt ?? Number.POSITIVE_INFINITY) > from,
      );
      const until = Math.min(Number.POSITIVE_INFINITY, ...back.map((each) => each.from));
      leaves.push({ user, conversation, at: okAt, until });
    }
  }
  return { joins, leaves };
}

/** Who was a member when, from the events that anyone saw; a creation that nobody saw is known by its answer. */
export function stintsOf(
  events: Iterable<Seen>,
  created: Iterable<{ conversation: string; users: string[] }>,
): Stint[] {
  const changes = new Map<string, Seen>();
  for (const { conversation, users } of created)
    changes.set(`${conversation}/1`, { conversation, seq: 1, joined: users });
  for (const event of events) {
    if (event.joined || event.left !== undefined) changes.set(`${event.conversation}/${event.seq}`, event);
  }
  const stints: Stint[] = [];
  const open = new Map<string, Stint>();
  for (const { conversation, seq, joined, left } of [...changes.values()].toSorted((a, b) => a.seq - b.seq)) {
    for (const user of joined ?? []) {
      if (open.has(`${conversation}/${user}`)) continue;
      const stint = { user, conversation, joined: seq, left: Number.POSITIVE_INFINITY };
      open.set(`${conversation}/${user}`, stint);
      stints.push(stint);
    }
    if (left === undefined) continue;
    const stint = open.get(`${conversation}/${left}`);
    if (stint) stint.left = seq;
    open.delete(`${conversation}/${left}`);
  }
  return stints;
}
