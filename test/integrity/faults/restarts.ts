import { until } from '@realchat/testkit';
import { readEnvoyStats } from '../../e2e/support/counters.ts';
import type { Bite, Fault, Field } from './field.ts';

/** F-03 and F-04: in good order, one process and all of them in turn. */
export const restarts: Fault[] = [
  ...(['messaging', 'relay', 'delivery', 'gateway'] as const).map(
    (name): Fault => ({
      id: `F-03-${name}`,
      title: `SIGTERM of ${name} under load`,
      graceful: true,
      run: (field) => restart(field, [name]),
    }),
  ),
  {
    id: 'F-04',
    title: 'a rolling restart of every process of the mesh',
    graceful: true,
    run: (field) => restart(field, ['auth', 'profile', 'messaging', 'relay', 'delivery', 'gateway']),
  },
];

/** Every process of a service, one after the other, as docs/operations.md has it: the next when Envoy counts the last one. */
async function restart(field: Field, services: readonly string[]): Promise<Bite> {
  const { stack } = field.mesh;
  const names = [...stack.processes.keys()].filter((name) =>
    services.some((service) => name.replace(/-\d+$/, '') === service),
  );
  const killed: string[] = [];
  const pids = names.map((name) => stack.process(name).pid);
  for (const name of names) {
    const managed = stack.process(name);
    if ((await managed.stop()) === 'killed') killed.push(name);
    await managed.start();
    await untilCounted(field, name);
  }
  const fresh = names.filter((name, i) => stack.process(name).pid !== pids[i]);
  const proof = `${fresh.join(', ')} restarted${killed.length > 0 ? `; ${killed.join(', ')} did not go within the grace` : ''}`;
  return { bit: fresh.length === names.length, proof };
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
