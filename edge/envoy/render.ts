import { clusters } from './clusters.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { listeners } from './listeners.ts';
import { memoryAllocator } from './memory.ts';
import { checkOptions, type EnvoyOptions } from './options.ts';
import { overloadManager } from './overload.ts';

export { ENVOY_ENVIRONMENT } from './memory.ts';
export type { EnvoyOptions, HostPort, Limits, MeshTls, Upstreams } from './options.ts';

/**
 * Envoy's bootstrap configuration as JSON, for `envoy -c <file>`. Throws when the options would make an edge that is open
 * by mistake.
 */
export function renderEnvoyConfig(options: EnvoyOptions): string {
  return JSON.stringify(bootstrap(options), null, 2);
}

function bootstrap(options: EnvoyOptions): EnvoyObject {
  checkOptions(options);
  return {
    node: { id: 'edge', cluster: 'realchat-edge' },
    admin: {
      // The admin interface can stop Envoy and shows its configuration: loopback only, whatever the listeners are bound to.
      address: { socket_address: { address: '127.0.0.1', port_value: options.ports.admin } },
    },
    overload_manager: overloadManager(options),
    memory_allocator_manager: memoryAllocator(),
    static_resources: {
      listeners: listeners(options),
      clusters: clusters(options),
    },
  };
}
