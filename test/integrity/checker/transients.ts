import type { Device, History, Join, Leave } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import type { Violation } from './violation.ts';

/**
 * What has no seq and was shown to somebody who was no member then: a transient of a conversation, or whether somebody is
 * online with whom no conversation is shared. Judged is what is certain: before the first call that could let them in had left;
 * once the leave was acked and shown on the same stream; and, where it was not shown, when everyone should have seen it. What is
 * said while a call that lets them in may be under way is not.
 */
export function* strayTransients(history: History): Generator<Violation> {
  const isOut = outsiders(history);
  for (const device of history.devices) yield* strayOn(device, isOut);
  const users = new Map(history.devices.map(({ device, user }) => [device, user]));
  const conversations = [...new Set(history.joins.map(({ conversation }) => conversation))];
  for (const { at, viewer, user, online } of history.presence) {
    const own = users.get(viewer);
    if (own === undefined || own === user || online === 'unknown') continue;
    if (conversations.some((conversation) => !isOut(own, conversation, at) && !isOut(user, conversation, at))) continue;
    yield { text: `${viewer} was told of the presence of ${user}, with whom it shared no conversation` };
  }
}

/** Whether a user was out of a conversation at a time; `told`: their leave had been shown to them. */
type IsOut = (user: string, conversation: string, at: number, told?: boolean) => boolean;

function* strayOn({ device, user, observations }: Device, isOut: IsOut): Generator<Violation> {
  const left = new Set<string>();
  const newest = new Map<string, number>();
  for (const { at, ...each } of observations) {
    if (each.kind === 'reset') continue;
    const { conversation, seq, transient = 'something', ...change } = each.event;
    // What is shown again changes nothing any more.
    if (seq > (newest.get(conversation) ?? 0)) {
      newest.set(conversation, seq);
      if (change.left === user) left.add(conversation);
      if (change.joined?.includes(user)) left.delete(conversation);
    }
    if (seq > 0 || !isOut(user, conversation, at, left.has(conversation))) continue;
    const place = { conversation, seq, device };
    yield { text: `${device} of ${user} was shown ${transient} in ${conversation}, and was no member`, place };
  }
}

/** Answers whether somebody certainly was no member any more, or not yet, and the mesh has had the time to know. */
function outsiders({ joins, leaves, stints, faults }: History): IsOut {
  const name = ({ user, conversation }: { user: string; conversation: string }) => `${conversation}/${user}`;
  const joinsOf = Map.groupBy(joins, name);
  const leavesOf = Map.groupBy(leaves, name);
  // Somebody let them in whose calls are not written down.
  const others = new Set(stints.map(name).filter((member) => !joinsOf.has(member)));
  const known = new Map(leaves.map((leave) => [leave, knownAt(leave, faults)]));
  return (user, conversation, at, told = false) => {
    const member = name({ user, conversation });
    if (others.has(member)) return false;
    const isLetIn = (join: Join) => join.from <= at;
    if (!joinsOf.get(member)?.some(isLetIn)) return true;
    const isGone = (leave: Leave) => at > (told ? leave.at : (known.get(leave) ?? 0)) && at < leave.until;
    return leavesOf.get(member)?.some(isGone) ?? false;
  };
}

/** When a leave has come to everyone: as late as anything may be seen after the faults that were under way. */
function knownAt({ at }: Leave, faults: History['faults']): number {
  let since = at;
  for (const { from, healedAt } of faults.toSorted((a, b) => a.from - b.from))
    if (from <= since + CEILINGS.seenMs) since = Math.max(since, healedAt);
  return since + CEILINGS.seenMs;
}
