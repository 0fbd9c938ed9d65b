import type { Session } from '../history/history.ts';
import { strayTransients } from './transients.ts';
import {
  acksOf,
  describeEvent,
  describeSend,
  type Invariant,
  keyOf,
  membership,
  placeOf,
  sendsByKey,
} from './violation.ts';

/** After logout the server has this long to end streams and to refuse the token, in milliseconds. */
const REVOCATION_MS = 2_000;

/**
 * I8: nothing of a conversation reaches anyone but its members, nor is anything taken from anyone else. After a leave was
 * acked, nothing that was sent later reaches the leaver. This is so of what has no seq too: typing, read positions, presence.
 */
export const isolated: Invariant = {
  id: 'I8',
  name: 'isolated',
  *holds(history) {
    const { devices, reads, stored = [], leaves } = history;
    const may = membership(history);
    for (const { device, user, observations } of devices) {
      for (const each of observations) {
        if (each.kind === 'reset' || each.event.seq === 0 || may(user, each.event)) continue;
        const { conversation, seq } = each.event;
        yield {
          text: `${device} of ${user} was shown ${describeEvent(each.event)}`,
          place: { conversation, seq, device },
        };
      }
    }
    for (const { user, conversation, messages } of reads) {
      const foreign = messages.find((each) => each.conversation !== conversation || !may(user, each));
      if (foreign) yield { text: `${user} read ${describeEvent(foreign)} in ${conversation}`, place: foreign };
    }
    for (const event of stored) {
      if (event.message && !may(event.message.sender, event))
        yield { text: `${describeEvent(event)} is of ${event.message.sender}, who was no member there`, place: event };
    }
    yield* strayTransients(history);
    if (leaves.length === 0) return;
    const sends = sendsByKey(history);
    const byLeaver = Map.groupBy(leaves, (leave) => `${leave.conversation}/${leave.user}`);
    for (const { device, user, observations } of devices) {
      for (const each of observations) {
        if (each.kind === 'reset' || !each.event.message) continue;
        const { conversation, message } = each.event;
        for (const leave of byLeaver.get(`${conversation}/${user}`) ?? []) {
          const [send] = sends.get(keyOf(conversation, message.sender, message.key)) ?? [];
          const [ack] = send ? acksOf(send) : [];
          if (!send || !ack || send.invokedAt < leave.at || ack.at > leave.until) continue;
          const text = `${device} was shown ${placeOf(each.event)}, sent after ${user} had left ${conversation}`;
          yield { text, place: { conversation, seq: each.event.seq, device } };
        }
      }
    }
    for (const send of history.sends) {
      const [ack] = acksOf(send);
      if (!ack) continue;
      for (const leave of byLeaver.get(`${send.conversation}/${send.user}`) ?? []) {
        if (send.invokedAt < leave.at || ack.at > leave.until) continue;
        const place = { conversation: send.conversation, seq: ack.seq };
        yield { text: `${describeSend(send)} was taken after its sender had left`, place };
      }
    }
  },
};

/** I9: once a session's end was acked, no stream of it delivers and no call of it is answered for longer than 2 s. */
export const revoked: Invariant = {
  id: 'I9',
  name: 'revoked',
  notJudged: ({ run, sessions }) => (sessions.length === 0 && !run ? 'nobody was to log out' : undefined),
  unknown: ({ sessions }) => {
    if (sessions.length === 0) return 'nobody logged out';
    const isTried = ({ endedAt, answered, refused }: Session) =>
      [...answered, ...refused].some((at) => at > endedAt + REVOCATION_MS);
    const silent = sessions.find((session) => !isTried(session));
    return silent && `${silent.device} was not seen to call after its logout`;
  },
  *holds({ sessions, devices }) {
    for (const { device, endedAt, answered } of sessions) {
      const after = (at: number) => at > endedAt + REVOCATION_MS;
      const call = answered.find(after);
      if (call !== undefined) yield { text: `a call of ${device} was answered ${ms(call - endedAt)} after its logout` };
      const own = devices.find((each) => each.device === device);
      const push = own?.observations.find((each) => each.kind !== 'reset' && after(each.at));
      if (push && push.kind !== 'reset') {
        const { conversation, seq } = push.event;
        const text = `${device} was shown ${placeOf(push.event)} ${ms(push.at - endedAt)} after its logout`;
        yield { text, place: { conversation, seq, device } };
      }
      if (own?.connected) yield { text: `a stream of ${device} is still open after its logout` };
    }
  },
};

/** I10: at the end everyone is told of others what is true. */
export const present: Invariant = {
  id: 'I10',
  name: 'presence converges',
  notJudged: ({ run, presence }) => (presence.length === 0 && !run ? 'nobody was to watch who is online' : undefined),
  unknown: ({ presence }) => (presence.length === 0 ? 'nobody was told who is online' : undefined),
  *holds({ presence, devices }) {
    const last = new Map(presence.map((each) => [`${each.viewer}/${each.user}`, each]));
    const online = new Set(devices.filter((device) => device.connected).map((device) => device.user));
    for (const { viewer, user, online: told } of last.values()) {
      const word = told === 'unknown' ? 'of unknown presence' : told ? 'online' : 'offline';
      if (told !== online.has(user)) yield { text: `${viewer} is told that ${user} is ${word}, which is not so` };
    }
  },
};

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
