import type { EnvoyObject } from './envoy-object.ts';

/**
 * What Envoy's process must be given besides its configuration: its allocator keeps a bounded cache per CPU only while the C
 * library leaves it restartable sequences. Otherwise it keeps one per thread, whose bound is far higher.
 */
export const ENVOY_ENVIRONMENT = { GLIBC_TUNABLES: 'glibc.pthread.rseq=0' };

/** Gives back what a burst took, a little every second (docs/adr/0018). */
export function memoryAllocator(): EnvoyObject {
  return {
    bytes_to_release: 8 * 1024 * 1024,
    memory_release_interval: '1s',
    max_per_cpu_cache_size_bytes: 1024 * 1024,
  };
}
