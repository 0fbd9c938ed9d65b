import { join } from 'node:path';
import { edgeHosts, edgeOrigins } from './edge-hosts.ts';
import { kafkaPorts } from './kafka-listeners.ts';
import { type MeshName, type MeshProcess, meshTable } from './mesh.ts';
import type { StackPaths } from './paths.ts';
import type { Ports } from './ports.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import type { StackOptions, StackOverrides } from './stack-options.ts';
import type { Addresses } from './stack-state.ts';
import { webRoot } from './web-page.ts';

/** All that is decided about a stack before anything of it runs. */
export interface StackContext {
  paths: StackPaths;
  ports: Ports;
  secrets: Secrets;
  overrides: StackOverrides;
  /** The address on which the edge listens. */
  host: string;
  /** The names by which the edge is called. */
  hosts: string[];
  /** Origins whose pages may call. */
  origins: string[];
  addresses: Addresses;
  mesh: Record<MeshName, MeshProcess>;
}

export async function createContext(options: StackOptions, paths: StackPaths, ports: Ports): Promise<StackContext> {
  const overrides =
    typeof options.overrides === 'function' ? await options.overrides(ports) : (options.overrides ?? {});
  const secrets = loadSecrets(paths.secrets);
  const host = options.host ?? '127.0.0.1';
  const hosts = edgeHosts(host);
  const origins = [...edgeOrigins(hosts, ports), ...(overrides.origins ?? [])];
  const mesh = meshTable({
    ports,
    secrets,
    kafka: (listener) => overrides.kafka?.advertised?.[listener] ?? `127.0.0.1:${kafkaPorts(ports)[listener]}`,
    origins,
    webRoot,
    filesFolder: paths.services,
    logLevel: options.logLevel ?? 'info',
  });
  const addresses = {
    plain: `http://localhost:${ports.edgePlain}`,
    tls: `https://localhost:${ports.edgeTls}`,
    authorityFile: join(paths.tls, 'ca.crt'),
    logs: paths.logs,
  };
  return { paths, ports, secrets, overrides, host, hosts, origins, addresses, mesh };
}
