import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceName } from '@realchat/stack';
import { readMetric } from '../e2e/support/counters.ts';
import type { Mesh } from '../e2e/support/start-mesh.ts';

export const GATEWAYS: InstanceName[] = ['gateway', 'gateway-2'];
export const DELIVERIES: InstanceName[] = ['delivery', 'delivery-2'];

const EVERY_MS = 250;

/** A metric of several processes together. */
export async function sumOf(
  mesh: Mesh,
  names: InstanceName[],
  metric: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const values = await Promise.all(names.map((name) => readMetric(mesh, name, metric, labels)));
  return values.reduce((sum, value) => sum + value, 0);
}

/** The greatest value of a gauge of any one of several processes, until the signal is aborted. */
export async function mostOf(mesh: Mesh, names: InstanceName[], metric: string, signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    // A process that is busy answers later.
    const values = await Promise.all(names.map((name) => readMetric(mesh, name, metric).catch(() => 0)));
    most = Math.max(most, ...values);
    await delay(EVERY_MS);
  }
  return most;
}
