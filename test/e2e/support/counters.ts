import type { InstanceName } from '@realchat/stack';
import type { Mesh } from './mesh.ts';

/** The sum of a process's samples of a metric whose labels are at least these; 0 when there is none. */
export async function readMetric(
  { stack }: Mesh,
  process: InstanceName,
  metric: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const ops = stack.environment(process).OPS_LISTEN ?? '';
  const text = await (await fetch(`http://${ops}/metrics`)).text();
  let sum = 0;
  for (const [, name, list = '', value] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)) {
    if (name !== metric) continue;
    const own = new Map([...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]));
    if (Object.entries(labels).every(([label, wanted]) => own.get(label) === wanted)) sum += Number(value);
  }
  return sum;
}

/** The sum of Envoy's counters and gauges whose name matches. */
export async function readEnvoyStats({ stack }: Mesh, name: RegExp): Promise<number> {
  const url = `http://127.0.0.1:${stack.ports.edgeAdmin}/stats?format=json`;
  const { stats } = (await (await fetch(url)).json()) as { stats: { name?: string; value?: number }[] };
  return stats.reduce((sum, stat) => sum + (stat.name && name.test(stat.name) ? (stat.value ?? 0) : 0), 0);
}
