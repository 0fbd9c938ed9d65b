import { type EnvoyObject, extension } from './envoy-object.ts';
import { type EnvoyOptions, limitsOf } from './options.ts';

const HEAP = 'envoy.resource_monitors.fixed_heap';
const CONNECTIONS = 'envoy.resource_monitors.global_downstream_max_connections';

/** Sheds load before memory or file descriptors run out. */
export function overloadManager(options: EnvoyOptions): EnvoyObject {
  const limits = limitsOf(options);
  return {
    refresh_interval: '0.25s',
    resource_monitors: [
      extension(HEAP, 'envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig', {
        max_heap_size_bytes: limits.maxHeapBytes,
      }),
      extension(
        CONNECTIONS,
        'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        { max_active_downstream_connections: limits.maxConnections },
      ),
    ],
    // Refusing requests comes before refusing connections: a client that cannot connect hangs instead of failing.
    actions: [
      whenHeapReaches(0.9, 'shrink_heap'),
      whenHeapReaches(0.92, 'disable_http_keepalive'),
      whenHeapReaches(0.95, 'stop_accepting_requests'),
      whenHeapReaches(0.98, 'stop_accepting_connections'),
    ],
  };
}

function whenHeapReaches(share: number, action: string): EnvoyObject {
  return { name: `envoy.overload_actions.${action}`, triggers: [{ name: HEAP, threshold: { value: share } }] };
}
