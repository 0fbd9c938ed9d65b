import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@realchat/testkit';
import { type DiskOwner, whyNoFullDisk } from '../disk/full-disk.ts';
import { choose } from '../run/random.ts';
import { type Bite, backlogOf, type Fault, type Field, mostDuring, RELAY_BATCH } from './field.ts';
import { asSuperuser } from './superuser.ts';

const BITTEN_MS = 20_000;
/** The segments that are there already are used up first. */
const MOST_SEGMENTS = 30;
const NEXT_SEGMENT = `select pg_logical_emit_message(true, 'integrity', 'fills'), pg_switch_wal()`;

/** F-24: what would make a file of theirs longer is refused, as on a disk that is full; what they have can be read. */
export const disks: Fault[] = [
  {
    id: 'F-24-postgres',
    title: 'the disk of Postgres is full: tables cannot grow, everything there is can be read',
    disks: ['postgres'],
    unavailable: whyNoFullDisk,
    run: (field) =>
      fill(field, 'postgres', async () => {
        const listed = await everyoneLists(field);
        await delay(field.lastsMs);
        return `${listed} devices read a conversation meanwhile`;
      }),
  },
  {
    id: 'F-24-wal',
    title: 'the disk of Postgres is full and its log has no next segment: it ends every transaction and starts anew',
    recordsTwice: 2 * RELAY_BATCH,
    disks: ['postgres'],
    unavailable: whyNoFullDisk,
    run: (field) =>
      fill(field, 'postgres', async () => {
        const panicked = await asSuperuser(field, 'postgres', async (query) => {
          for (let i = 0; i < MOST_SEGMENTS; i++) await query(NEXT_SEGMENT);
        }).then(
          () => false,
          () => true,
        );
        await delay(field.lastsMs);
        return panicked ? 'it gave up in a panic' : undefined;
      }),
  },
  {
    id: 'F-24-kafka',
    title: 'the disk of Kafka is full: its broker gives up, and is started again when there is room',
    recordsTwice: 2 * RELAY_BATCH,
    disks: ['kafka'],
    unavailable: whyNoFullDisk,
    run: (field) =>
      fill(field, 'kafka', async () => {
        const kafka = field.mesh.stack.process('kafka');
        const { pid } = kafka;
        await until('the broker gives up', () => kafka.pid !== pid, BITTEN_MS);
        // What a broker does that is started while the disk is full, full-disk.c does not show as it is.
        await kafka.kill('SIGKILL', { restart: false });
        const backlog = await mostDuring(delay(field.lastsMs), () => backlogOf(field));
        return `the broker gave up, the backlog rose to ${backlog}`;
      }),
  },
  {
    id: 'F-24-logs',
    title: 'the disk is full on which one messaging writes its log lines',
    disks: ['messaging'],
    unavailable: whyNoFullDisk,
    run: async (field) => {
      const messaging = field.mesh.stack.process('messaging');
      const { pid } = messaging;
      // A change of members is a log line. What is left of the file's last block takes some of them.
      const { cast, random } = field;
      const changeMembers = () => cast.membership.toggle(cast.conversations[2] ?? '', choose(random, cast.bare));
      const lastOn = async () => {
        await delay(field.lastsMs);
        return `it ${messaging.pid === pid ? 'lived on' : 'DIED'}`;
      };
      const bite = await fill(field, 'messaging', lastOn, changeMembers);
      const breach = { invariant: 'I11', text: 'messaging ended since its log lines found no room' };
      return messaging.pid === pid ? bite : { ...bite, breach };
    },
  },
];

/**
 * Fills a disk, has something written until it is refused, goes on with `meanwhile`, and frees it. Not bitten when that answers
 * undefined.
 */
async function fill(
  field: Field,
  owner: DiskOwner,
  meanwhile: () => Promise<string | undefined>,
  write: () => Promise<unknown> = async () => {},
): Promise<Bite> {
  const { disks: all, journal, load, mesh } = field;
  const begin = journal.lines.length;
  const refusedBefore = await all.refused(owner);
  const ackedBefore = load.counts.acked;
  await all.fill(owner);
  let told: string | undefined;
  let refused = 0;
  let acked = 0;
  try {
    const isRefused = async () => {
      await write();
      return (await all.refused(owner)) > refusedBefore;
    };
    await until('a write is refused', isRefused, BITTEN_MS);
    told = await meanwhile();
    refused = (await all.refused(owner)) - refusedBefore;
    acked = load.counts.acked - ackedBefore;
  } finally {
    await all.free(owner);
  }
  await mesh.stack.process(owner).start();
  const proof = `${refused} writes found no room; ${told ?? 'it went on'}; ${acked} sends were acked meanwhile, ${answers(field, begin)}`;
  return { bit: told !== undefined && refused > 0, proof };
}

/** How sends were answered that were not acked, since that line of the history. */
function answers({ journal }: Field, begin: number): string {
  const lines = journal.lines.slice(begin);
  const codes = lines.flatMap((line) =>
    line.type === 'send' && line.op === 'info' ? [line.reason.split(' ')[0] ?? ''] : [],
  );
  const counts = [...Map.groupBy(codes, (code) => code)].map(([code, all]) => `${code} ${all.length} times`);
  return counts.length > 0 ? `others were told ${counts.join(', ')}` : 'nobody was told anything else';
}

/** How many devices can read the conversation in which all are, if need be once Postgres has started anew. */
async function everyoneLists({ cast }: Field): Promise<number> {
  const [conversation = ''] = cast.conversations;
  const canList = (device: (typeof cast.bare)[number]) =>
    until(
      `${device.name} can read`,
      () =>
        device.list(conversation).then(
          () => true,
          () => false,
        ),
      BITTEN_MS,
    );
  return (await Promise.all(cast.bare.map(canList))).length;
}
