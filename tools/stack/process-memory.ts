/**
 * How a process of the mesh handles its memory, so that what a burst took is given back (docs/adr/0018). Without the first,
 * V8 takes the whole machine for its own and collects garbage late; images have limits of memory instead, which V8 goes by.
 */
export const HEAP_LIMIT = '--max-old-space-size=1024';

/** In MiB: with its default the young generation alone grows to 128 MiB. The images set it as well. */
export const YOUNG_GENERATION = '--max-semi-space-size=32';

/** One heap of the C library for all threads, trimmed beyond 128 KiB of free memory. The images set it as well. */
export const NATIVE_MEMORY = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };
