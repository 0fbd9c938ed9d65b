import type { Instances } from './instances.ts';
import { type InstancePortName, isFreeAt, nextFreePorts } from './ports.ts';
import { type PrivatePorts, privatePorts } from './private-ports.ts';
import type { Progress } from './progress.ts';

const LOOPBACK = '127.0.0.1';
const EDGE: readonly InstancePortName[] = ['edgePlain', 'edgeTls'];

/** The ports of a stack, of the kind that is wanted. A known port that somebody else has is moved, and that is said. */
export async function choosePorts(
  kind: 'development' | 'private',
  edgeHost: string,
  instances: Instances,
  progress: Progress,
): Promise<PrivatePorts> {
  if (kind === 'private') return privatePorts(instances);
  // `localhost` may lead to ::1 first: a stranger there would be called in our place.
  const edge = [LOOPBACK, '::1', edgeHost];
  const { ports, moved } = await nextFreePorts(
    (port, name) => isFreeAt(EDGE.includes(name) ? edge : [LOOPBACK], port),
    instances,
  );
  for (const { name, from, to } of moved) progress.say(`  port ${from} is taken: ${name} moves to ${to}`);
  return { ports, release: () => undefined };
}
