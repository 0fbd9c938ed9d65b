import type { Activity, Device, History, Observation, Send } from '../history/history.ts';
import { readHistory } from '../history/read-history.ts';
import { check, type Verdict } from './check.ts';
import { makeLines } from './made-history.ts';

export const SIZE = { users: 4, conversations: 3, messages: 80 };

export type Push = Extract<Observation, { kind: 'push' | 'list' }>;

export function verdictsOf(history: History): Verdict[] {
  return check(history, { leastAcked: 10 }).verdicts;
}

export function broken(history: History): string[] {
  return verdictsOf(history).flatMap(({ id, verdict }) => (verdict === false ? [id] : []));
}

export function steadyPick(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** Always the same one, without repeats and resets, so that each case breaks just what it means to. */
export function goodHistory(): History {
  const history = readHistory(makeLines(steadyPick(), SIZE));
  for (const device of history.devices) {
    const seen = new Set<string>();
    device.observations = device.observations.filter((each) => {
      if (each.kind === 'reset') return false;
      const place = `${each.event.conversation}/${each.event.seq}`;
      each.kind = 'push';
      return !seen.has(place) && seen.add(place);
    });
  }
  history.published = [...Map.groupBy(storedOf(history), (event) => event.shard).values()].flat().map((event) => {
    const { shard, position, conversation, seq } = event;
    return { shard, position, conversation, seq };
  });
  return history;
}

export function deviceOf(history: History): Device {
  return history.devices[0] as Device;
}

export function pushes(history: History): Observation[] {
  return deviceOf(history).observations;
}

export function activityOf(history: History): Activity {
  const [first] = history.activity ?? [];
  if (!first) throw new Error('nothing was counted');
  return first;
}

export function storedOf(history: History) {
  return history.stored ?? [];
}

export function isMessage(each: Observation): boolean {
  return each.kind !== 'reset' && each.event.message !== undefined;
}

export function isLater(a: Observation, b: Observation): boolean {
  return a.kind !== 'reset' && b.kind !== 'reset' && a.event.conversation === b.event.conversation;
}

/** Two pushes of messages of one conversation in a row. */
export function neighbours(history: History): [Push, Push] {
  const list = pushes(history).filter(isMessage) as Push[];
  const second = list.findIndex((each, i) => i > 3 && list[i - 1]?.event.conversation === each.event.conversation);
  return [list[second - 1] as Push, list[second] as Push];
}

export function readOf(history: History) {
  return history.reads.find((read) => read.messages.length > 1) as History['reads'][number];
}

export function lastMessage(history: History): number {
  return storedOf(history).findLastIndex((event) => event.message);
}

export function lastSaid(history: History) {
  const message = storedOf(history)[lastMessage(history)]?.message;
  if (!message) throw new Error('this is no message');
  return message;
}

export function isAcked(send: Send): boolean {
  return send.answers.some((answer) => answer.kind === 'ok');
}

/** By the device whose observations are looked at. */
export function ackedSend(history: History): Send {
  const send = history.sends.find((each) => isAcked(each) && each.device === deviceOf(history).device);
  if (!send) throw new Error('nobody sent');
  return send;
}

export function isSamePlace(
  a: { conversation: string; seq: number },
  b: { conversation: string; seq: number },
): boolean {
  return a.conversation === b.conversation && a.seq === b.seq;
}

/** A device of a user who was never let into a conversation of others. */
export function strangerOf({ devices, stints }: History): { device: Device; conversation: string } {
  for (const conversation of new Set(stints.map((stint) => stint.conversation))) {
    const members = new Set(stints.filter((each) => each.conversation === conversation).map(({ user }) => user));
    const device = devices.find(({ user }) => !members.has(user));
    if (device) return { device, conversation };
  }
  throw new Error('everybody is everywhere');
}

/** A device of a user who was put out for good of a conversation in which messages were stored before and after that. */
export function leaverOf({ devices, leaves, stints, stored = [] }: History) {
  for (const { user, conversation, left } of stints) {
    const leave = leaves.findLast((each) => each.user === user && each.conversation === conversation);
    const device = devices.find((each) => each.user === user);
    const around = stored.filter((each) => each.message && each.conversation === conversation);
    const isBetween = around.some(({ seq }) => seq > left) && around.some(({ seq }) => seq < left);
    if (leave && device && isBetween && leave.until === Number.POSITIVE_INFINITY)
      return { device, conversation, left, leave };
  }
  throw new Error('nobody has left');
}

export function typing(conversation: string, at: number): Observation {
  return { kind: 'push', at, event: { conversation, seq: 0, transient: 'typing' } };
}
