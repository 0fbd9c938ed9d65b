import { join } from 'node:path';
import { edgeHosts, edgeOrigins } from './edge-hosts.ts';
import { type InstanceName, type Instances, nameOf, parseName } from './instances.ts';
import { kafkaPorts } from './kafka-listeners.ts';
import { type MeshProcess, meshMembers, meshProcesses } from './mesh.ts';
import { ensureMeshTls, meshTlsFolders } from './mesh-tls.ts';
import type { StackPaths } from './paths.ts';
import type { Ports } from './ports.ts';
import { rerouted } from './reroute.ts';
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
  instances: Instances;
  /** Every process of the mesh, as it is run: with the overrides. */
  mesh: ReadonlyMap<InstanceName, MeshProcess>;
}

export async function createContext(options: StackOptions, paths: StackPaths, ports: Ports): Promise<StackContext> {
  const overrides =
    typeof options.overrides === 'function' ? await options.overrides(ports) : (options.overrides ?? {});
  const secrets = loadSecrets(paths.secrets);
  const host = options.host ?? '127.0.0.1';
  const hosts = edgeHosts(host);
  const origins = [...edgeOrigins(hosts, ports), ...(overrides.origins ?? [])];
  await ensureMeshTls(meshTlsFolders(paths.meshTls, meshMembers));
  const instances = options.instances ?? {};
  const listeners = kafkaPorts(ports, instances);
  const rows = meshProcesses({
    ports,
    instances,
    secrets,
    kafka: (listener) => {
      const others = (overrides.kafka?.others ?? []).map((broker) => `127.0.0.1:${broker.ports[listener]}`);
      return [overrides.kafka?.advertised?.[listener] ?? `127.0.0.1:${listeners[listener]}`, ...others].join(',');
    },
    origins,
    webRoot,
    tlsFolder: (name) => join(paths.meshTls, name),
    filesFolder: paths.services,
    logLevel: options.logLevel ?? 'info',
  });
  const mesh = new Map(
    [...rows].map(([name, row]) => [
      name,
      { ...row, env: rerouted({ ...row.env, ...changesOf(row, overrides) }, overrides.reroute?.[row.service]) },
    ]),
  );
  const addresses = {
    plain: `http://localhost:${ports.edgePlain}`,
    tls: `https://localhost:${ports.edgeTls}`,
    authorityFile: join(paths.tls, 'ca.crt'),
    logs: paths.logs,
  };
  return { paths, ports, secrets, overrides, host, hosts, origins, addresses, instances, mesh };
}

/** The row of a process. Throws when there is none of that name. */
export function rowOf({ mesh }: Pick<StackContext, 'mesh'>, name: InstanceName): MeshProcess {
  const { service, number } = parseName(name);
  const row = mesh.get(nameOf(service, number));
  if (!row) throw new Error(`there is no ${name}`);
  return row;
}

function changesOf({ service, number }: MeshProcess, { env }: StackOverrides): Record<string, string> {
  return { ...env?.[service], ...env?.[`${service}-${number}`] };
}
