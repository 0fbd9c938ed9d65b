import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { bugOf, withBug } from './bugs.ts';

// Loaded before a process of the mesh, which it gives the bug that INTEGRITY_BUG names.

const bug = bugOf(process.env['INTEGRITY_BUG'] ?? '');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const files = new Map(bug.patches.map(({ file }) => [new URL(file, `file://${root}`).href, file]));

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const file = files.get(url);
    if (!file || loaded.source === undefined || loaded.source === null) return loaded;
    const { source } = loaded;
    const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
    return { ...loaded, source: withBug(bug, file, text) };
  },
});
