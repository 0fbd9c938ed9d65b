import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { answers, valkeyAnswers } from './away.ts';
import type { Bite, Fault, Field } from './field.ts';
import { askValkey } from './valkey.ts';

/** F-20, F-26: what a message does not need is away, slow, or has forgotten everything. */
export const absences: Fault[] = [
  {
    id: 'F-20-down',
    title: 'Redis is stopped, and comes back',
    async run(field) {
      const valkey = field.mesh.stack.process('valkey');
      await valkey.kill('SIGKILL', { restart: false });
      return whileAcked(
        field,
        () => valkey.start(),
        () => valkeyAnswers(field),
      );
    },
  },
  {
    id: 'F-20-slow',
    title: 'Redis is frozen: it accepts and does not answer',
    async run(field) {
      const valkey = field.mesh.stack.process('valkey');
      valkey.pause();
      return whileAcked(
        field,
        async () => valkey.resume(),
        () => valkeyAnswers(field),
      );
    },
  },
  {
    id: 'F-20-flush',
    title: 'Redis forgets everything: FLUSHALL',
    async run(field) {
      const { stack } = field.mesh;
      const [, before, , after] = await askValkey(stack, ['SET integrity 1', 'DBSIZE', 'FLUSHALL', 'DBSIZE']);
      const [keys, left] = [Number(before), Number(after)];
      return { bit: keys > 0 && left < keys, proof: `${keys} keys were there, ${left} are left` };
    },
  },
  {
    id: 'F-20-empty',
    title: 'Redis is killed and comes back without its data',
    async run(field) {
      const { stack } = field.mesh;
      const valkey = stack.process('valkey');
      const MARK = 'integrity-mark';
      const [, before] = await askValkey(stack, [`SET ${MARK} 1`, `EXISTS ${MARK}`]);
      let after = before;
      await valkey.kill('SIGKILL', { restart: false });
      await rm(join(stack.paths.valkey, 'appendonlydir'), { recursive: true, force: true });
      const { bit, proof } = await whileAcked(
        field,
        async () => {
          await valkey.start();
          [after] = await askValkey(stack, [`EXISTS ${MARK}`]);
        },
        () => valkeyAnswers(field),
      );
      const isForgotten = before === '1' && after === '0';
      return { bit: bit && isForgotten, proof: `${proof}; what it knew is ${isForgotten ? 'gone' : 'STILL THERE'}` };
    },
  },
  {
    id: 'F-26',
    title: 'every auth is stopped: tokens that are good stay good',
    async run(field) {
      const { stack } = field.mesh;
      const names = stack.namesOf('auth');
      const all = names.map((name) => stack.process(name));
      await Promise.all(all.map((auth) => auth.kill('SIGKILL', { restart: false })));
      return whileAcked(
        field,
        async () => void (await Promise.all(all.map((auth) => auth.start()))),
        async () => (await Promise.all(names.map((name) => answers(field, name)))).includes(true),
      );
    },
  },
];

/** What is away has bitten when it does not answer at the beginning and at the end; that sends go on is what the invariants say. */
async function whileAcked(field: Field, heal: () => Promise<void>, answers: () => Promise<boolean>): Promise<Bite> {
  const before = field.load.counts.acked;
  const answered = [await answers()];
  await delay(field.lastsMs);
  answered.push(await answers());
  const acked = field.load.counts.acked - before;
  await heal();
  const bit = !answered.includes(true);
  return {
    bit,
    proof: `it ${bit ? 'did not answer' : 'ANSWERED'} for ${Math.round(field.lastsMs / 1000)} s, ${acked} sends were acked meanwhile`,
  };
}
