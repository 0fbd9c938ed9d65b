import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { backoffMs } from '../../clients/typescript/net/backoff.ts';
import type { Caller } from '../e2e/clients/caller.ts';
import { createWebSocketCaller, type SocketLife } from '../e2e/clients/connect-caller.ts';
import { newPassword, newUsername, User } from '../e2e/clients/user.ts';
import type { Mesh } from '../e2e/support/start-mesh.ts';
import { check, type Judgement } from '../integrity/checker/check.ts';
import { delivered } from '../integrity/checker/durable.ts';
import { BareDevice } from '../integrity/clients/bare-device.ts';
import { Membership } from '../integrity/clients/membership.ts';
import { Journal } from '../integrity/history/journal.ts';
import { readHistory } from '../integrity/history/read-history.ts';

/** Devices that follow conversations and write down what they are shown. They are as patient as the client of this repository. */
export interface Audience {
  journal: Journal;
  devices: BareDevice[];
  conversations: string[];
  /**
   * Begins messages to all conversations in turn, by their owners, so many a second, until there were `most` or the signal is
   * aborted. Resolves with how many were acked, when all are answered.
   */
  talk(perSecond: number, until: { most?: number; signal?: AbortSignal }, text?: string): Promise<number>;
  /** Resolves when every device was shown everything, or has waited for it long enough: what is missing is told by the checker. */
  whenAllIsShown(): Promise<void>;
  /** What the checker says of all that was seen. */
  judge(): Judgement;
  close(): Promise<void>;
}

export interface AudienceOptions {
  devices: number;
  /** Devices of one user, each on a connection of its own. */
  perUser: number;
  /** Users in one conversation. */
  usersTogether: number;
  /** Makes the user of a device. The first of a user registers, the others go on with its session. Default: on a WebSocket. */
  user?: (device: number) => User;
}

const AT_ONCE = 20;
const SHOWN_WITHIN_MS = 60_000;

/** Registers users, opens all of their devices' streams, and makes their conversations. */
export async function gatherAudience(mesh: Mesh, options: AudienceOptions): Promise<Audience> {
  const { perUser, usersTogether, user = () => webSocketUser(mesh) } = options;
  const journal = new Journal();
  journal.write({ type: 'run', seed: 0, commit: '', faults: [] });
  const firsts = await inGroups(Math.ceil(options.devices / perUser), async (i) => {
    const first = user(i * perUser);
    await first.register(newUsername(), newPassword());
    return first;
  });
  const devices = await inGroups(options.devices, async (i) => {
    const first = firsts[Math.floor(i / perUser)] as User;
    const own = i % perUser === 0 ? first : user(i);
    if (own !== first) own.join(first);
    const device = new BareDevice(journal, own, own, { label: ` device ${i % perUser}`, backoffMs });
    await device.follow();
    return device;
  });
  const membership = new Membership(journal);
  const owners = devices.filter((_, i) => i % perUser === 0);
  const conversations: string[] = [];
  const ownerOf: BareDevice[] = [];
  for (let i = 0; i < owners.length; i += usersTogether) {
    const [owner, ...rest] = owners.slice(i, i + usersTogether) as [BareDevice, ...BareDevice[]];
    conversations.push(await membership.create(owner, `room ${i}`, rest));
    ownerOf.push(owner);
  }
  const send = (i: number, text: string) => {
    const room = i % conversations.length;
    return (ownerOf[room] as BareDevice).send(conversations[room] ?? '', `key-${i}`, text, 'no');
  };
  let next = 0;
  return {
    journal,
    devices,
    conversations,
    async talk(perSecond, { most = Number.POSITIVE_INFINITY, signal }, text) {
      const sends: Promise<boolean>[] = [];
      const begin = performance.now();
      while (sends.length < most && !signal?.aborted) {
        await delay(Math.max(0, begin + (sends.length * 1_000) / perSecond - performance.now()));
        sends.push(send(next, text ?? `message ${next}`));
        next++;
      }
      return (await Promise.all(sends)).filter(Boolean).length;
    },
    async whenAllIsShown() {
      const isShown = () => {
        const [missing] = delivered.holds(readHistory(journal.lines));
        return !missing;
      };
      await until('all is shown', isShown, SHOWN_WITHIN_MS).catch(() => {});
    },
    judge: () => check(readHistory(journal.lines)),
    async close() {
      await Promise.all(devices.map((device) => device.close()));
    },
  };
}

/** A user whose every device has a socket of its own. `through` stands between its calls and the socket. */
export function webSocketUser(
  { webSocketUrl: url, certificateAuthority }: Mesh,
  life?: SocketLife,
  through: (caller: Caller) => Caller = (caller) => caller,
): User {
  return new User((token) =>
    through(createWebSocketCaller({ url, certificateAuthority, token, ...(life && { life }) })),
  );
}

/** Some at a time: what comes before the measuring is not what is measured. */
async function inGroups<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => make(i + j));
    made.push(...(await Promise.all(group)));
  }
  return made;
}
