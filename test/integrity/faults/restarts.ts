import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { readEnvoyStats } from '../../e2e/support/counters.ts';
import type { Bite, Fault, Field } from './field.ts';

type Served = 'messaging' | 'relay' | 'delivery' | 'gateway';

const SERVICES: readonly Served[] = ['messaging', 'relay', 'delivery', 'gateway'];
/** When the second word comes to a process that is on its way out. */
const AGAIN_AFTER_MS = 200;
/** When the word comes to a process that has not begun to serve: while it loads, connects, and is about to be ready. */
const WHILE_STARTING_MS = [100, 500, 900, 1_400];

/** F-03 and F-04: in good order, one process and all of them in turn. */
export const restarts: Fault[] = [
  ...SERVICES.map(
    (name): Fault => ({
      id: `F-03-${name}`,
      title: `SIGTERM of ${name} under load`,
      graceful: true,
      run: (field) => restart(field, [name], (managed) => managed.stop()),
    }),
  ),
  {
    id: 'F-03-twice',
    title: 'SIGTERM of each process under load, and once more while it drains',
    graceful: true,
    run: (field) => restart(field, SERVICES, stopTwice),
  },
  {
    id: 'F-03-starting',
    title: 'SIGTERM of each process while it starts',
    graceful: true,
    run: (field) => restart(field, SERVICES, stopWhileStarting),
  },
  {
    id: 'F-04',
    title: 'a rolling restart of every process of the mesh but Envoy and the engines',
    graceful: true,
    run: (field) => restart(field, ['auth', 'profile', 'operations', ...SERVICES], (managed) => managed.stop()),
  },
];

/** Every process of a service, one after the other, as docs/operations.md has it: the next when Envoy counts the last one. */
async function restart(
  field: Field,
  services: readonly string[],
  stop: (managed: ManagedProcess) => Promise<'stopped' | 'killed'>,
): Promise<Bite> {
  const { stack } = field.mesh;
  const names = [...stack.processes.keys()].filter((name) =>
    services.some((service) => name.replace(/-\d+$/, '') === service),
  );
  const badly: string[] = [];
  const pids = names.map((name) => stack.process(name).pid);
  for (const name of names) {
    const managed = stack.process(name);
    const how = await stop(managed);
    const { code, cause } = managed.lastExit ?? { code: null, cause: 'nothing' };
    // Who is told to go before it can hear it goes by the signal.
    if (how === 'killed' || (code !== 0 && cause !== 'SIGTERM')) badly.push(`${name} (${how}, ${cause})`);
    await managed.start();
    await untilCounted(field, name);
  }
  const fresh = names.filter((name, i) => stack.process(name).pid !== pids[i]);
  const breach =
    badly.length > 0 ? { invariant: 'I14', text: `not ended in good order: ${badly.join(', ')}` } : undefined;
  return { bit: fresh.length === names.length, proof: `${fresh.join(', ')} restarted`, breach };
}

async function stopTwice(managed: ManagedProcess): Promise<'stopped' | 'killed'> {
  const { pid } = managed;
  const stopping = managed.stop();
  await delay(AGAIN_AFTER_MS);
  if (pid !== undefined && managed.pid === pid) process.kill(pid, 'SIGTERM');
  return stopping;
}

async function stopWhileStarting(managed: ManagedProcess): Promise<'stopped' | 'killed'> {
  const ends = [await managed.stop()];
  for (const ms of WHILE_STARTING_MS) {
    const starting = managed.start();
    // It is told to go before it is ready: that its start fails is what is wanted.
    starting.catch(() => {});
    await delay(ms);
    ends.push(await managed.stop());
    await starting.catch(() => {});
  }
  return ends.includes('killed') ? 'killed' : 'stopped';
}

/** Waits until Envoy sends calls to every instance of a service again; nobody sends any to a relay. */
async function untilCounted({ mesh }: Field, name: string): Promise<void> {
  const service = name.replace(/-\d+$/, '');
  if (service === 'relay') return;
  const all = [...mesh.stack.processes.keys()].filter((each) => each.replace(/-\d+$/, '') === service).length;
  for (const cluster of service === 'gateway' ? ['gateway', 'gateway_h2c'] : [service]) {
    const healthy = new RegExp(`^cluster\\.${cluster}\\.membership_healthy$`);
    await until(`Envoy counts ${name}`, async () => (await readEnvoyStats(mesh, healthy)) === all, 20_000);
  }
}
