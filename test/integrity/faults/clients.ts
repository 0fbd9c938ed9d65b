import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { byHolding } from '../../e2e/twos/instance.ts';
import type { BareDevice } from '../clients/bare-device.ts';
import { choose } from '../run/random.ts';
import { answers } from './away.ts';
import { type Fault, type Field, mostDuring, streamsLost, waitingFor } from './field.ts';

// As long as a text may be, and three bytes to a character.
const LARGE_TEXT = '\u6f22'.repeat(8_000);
const LARGE_MESSAGES = 750;
/** Until a process has closed what its peer's death has cut. */
const CLOSED_MS = 100;
/** Nobody may send so much alone. */
const SENDERS = 4;

/** F-17, F-25, F-27, F-28: clients that misbehave, a gateway at its limits, memberships that race with messages. */
export const clients: Fault[] = [
  {
    id: 'F-17',
    title: 'a socket does not read while 18 MB come its way, and reads again',
    async run(field) {
      const { cast } = field;
      const slow = choose(field.random, cast.resumable);
      const senders = cast.bare.slice(0, SENDERS);
      const [owner, ...others] = senders as [BareDevice, ...BareDevice[]];
      const conversation = await cast.membership.create(owner, 'of a slow reader', [slow, ...others]);
      const before = slow.streamsLost;
      // Those that are held when it reads again; a new one would read.
      const held = [...slow.sockets];
      for (const socket of held) socket.pause();
      const tag = Math.floor(field.random() * 1e9);
      const sendSome = async (sender: BareDevice, from: number): Promise<number> => {
        let taken = 0;
        for (let i = from; i < LARGE_MESSAGES; i += senders.length)
          if (await sender.send(conversation, `large-${tag}-${i}`, LARGE_TEXT, 'no')) taken++;
        return taken;
      };
      const sent = await Promise.all(senders.map(sendSome));
      const all = sent.reduce((sum, taken) => sum + taken, 0);
      await delay(2_000);
      const buffered = held.reduce((sum, socket) => sum + (socket.readyState === socket.OPEN ? 1 : 0), 0);
      for (const socket of held) socket.resume();
      await delay(3_000);
      const lost = slow.streamsLost - before;
      return {
        bit: lost > 0,
        proof: `${all} large messages were acked, ${held.length} sockets were held, ${buffered} still open after it, ${lost} streams of it were ended`,
      };
    },
  },
  {
    id: 'F-25-handles',
    title: 'a gateway has no file handle left for new sockets',
    async run(field) {
      const { stack } = field.mesh;
      const [name] = await byHolding(field.mesh, 'gateway');
      const pid = stack.process(name).pid ?? 0;
      const limitTo = (handles: string) =>
        promisify(execFile)('prlimit', ['--pid', String(pid), `--nofile=${handles}:`]);
      const usual = /^Max open files +(\d+)/m.exec(await readFile(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '1024';
      const before = streamsLost(field);
      // Sockets that are cut now find no place there again.
      await stack.process('envoy').kill('SIGKILL');
      await delay(CLOSED_MS);
      const most = await lowestFreeHandle(pid);
      await limitTo(String(most));
      let answered = true;
      try {
        answered = await answers(field, name);
        await stack.process('envoy').waitReady();
        await delay(field.lastsMs);
      } finally {
        await limitTo(usual);
      }
      const lost = streamsLost(field) - before;
      const proof = `${name} could have ${most} handles and ${answered ? 'went on answering' : 'answered nobody new'}, ${lost} streams were lost`;
      return { bit: !answered && lost > 0, proof };
    },
  },
  {
    id: 'F-25-blocked',
    title: 'the gateway that holds most sockets stands still for 3 s, three times, as with a blocked event loop',
    async run(field) {
      const [busiest] = await byHolding(field.mesh, 'gateway');
      const gateway = field.mesh.stack.process(busiest);
      let most = 0;
      for (let times = 0; times < 3; times++) {
        gateway.pause();
        most = Math.max(most, await mostDuring(delay(3_000), () => waitingFor(field, 2_000)));
        gateway.resume();
        await delay(1_000);
      }
      return { bit: most > 0, proof: `up to ${most} sends had waited for 2 s, at ${busiest}` };
    },
  },
  {
    id: 'F-27',
    title: 'cursors of somebody else, of nobody and cut short; a device twice at once',
    async run(field) {
      const outcomes: string[] = [];
      const { bare } = field.cast;
      for (let times = 0; times < 5; times++) {
        const one = choose(field.random, bare);
        const other = choose(
          field.random,
          bare.filter((device) => device !== one),
        );
        outcomes.push(...(await one.tryCursors(other)));
      }
      const told = [...Map.groupBy(outcomes, (outcome) => outcome)].map(
        ([outcome, all]) => `${outcome} ${all.length} times`,
      );
      const taken = outcomes.find((outcome) => !outcome.startsWith('its own') && outcome.endsWith(' was taken'));
      const breach = taken === undefined ? undefined : { invariant: 'I8', text: taken };
      return { bit: taken !== undefined || outcomes.every(isAsPromised), proof: told.join(', '), breach };
    },
  },
  {
    id: 'F-28',
    title: 'members come and go as fast as it goes while messages flow and streams resume',
    async run(field) {
      const { cast, random, mesh } = field;
      const conversation = cast.conversations[2] ?? '';
      const end = performance.now() + field.lastsMs;
      let done = 0;
      let raced = 0;
      // Another turn of it has other messages.
      const tag = Math.floor(random() * 1e9);
      const race = async (): Promise<void> => {
        while (performance.now() < end) {
          const device = choose(random, cast.bare);
          const isIn = cast.membership.isMember(conversation, device.userId);
          const changing = cast.membership.toggle(conversation, device);
          // Who is being removed goes on sending until told, and a little longer.
          const sending = isIn
            ? Array.from({ length: 4 }, async (_, i) => {
                await delay(i * 2);
                await device.send(conversation, `race-${tag}-${raced++}`, 'still here?', 'no');
              })
            : [];
          done += Number(await changing);
          await Promise.all(sending);
        }
      };
      const before = field.load.counts.acked;
      await Promise.all([race(), race(), cutStreams(mesh, field.lastsMs)]);
      const acked = field.load.counts.acked - before;
      return { bit: done > 10 && acked > 10, proof: `${done} changes of members, ${acked} sends acked meanwhile` };
    },
  },
];

/** Of cursors, only a device's own is taken. */
function isAsPromised(outcome: string): boolean {
  return outcome.endsWith(outcome.startsWith('its own') ? ' was taken' : ' was refused (CURSOR_INVALID)');
}

/** The number that the next file of a process would have. */
async function lowestFreeHandle(pid: number): Promise<number> {
  const taken = new Set(await readdir(`/proc/${pid}/fd`));
  let free = 0;
  while (taken.has(String(free))) free++;
  return free;
}

/** In the middle of it every stream has to resume. */
async function cutStreams({ stack }: Field['mesh'], lastsMs: number): Promise<void> {
  await delay(lastsMs / 2);
  await stack.process('envoy').kill('SIGKILL');
  await stack.process('envoy').waitReady();
}
