import type { MeshName } from '../../../tools/stack/instances.ts';
import { type MeshProcess, meshTable } from '../../../tools/stack/mesh.ts';
import { defaultPorts } from '../../../tools/stack/ports.ts';

/** What the launcher tells each process of the mesh, on the known ports. */
export function launcherTable(): Record<MeshName, MeshProcess> {
  const password = 'p'.repeat(43);
  return meshTable({
    ports: defaultPorts,
    instances: {},
    secrets: {
      postgres: {
        superuser: password,
        auth: password,
        profile: password,
        messaging: password,
        delivery: password,
        operations: password,
      },
      valkey: password,
      cursor: password,
      signingKey: password,
    },
    kafka: () => '127.0.0.1:19092',
    origins: ['http://localhost:8080', 'https://localhost:8443', 'http://127.0.0.1:8080', 'https://127.0.0.1:8443'],
    webRoot: '/app/page',
    tlsFolder: () => '/etc/realchat/mesh',
    filesFolder: '/var/lib/realchat',
    logLevel: 'info',
  });
}
