import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('the client and the framing are made of nothing that a browser does not have', async () => {
  // Without a platform of Node, an import of one of its modules is an error.
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../index.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
    absWorkingDir: '/',
  });
  const ours = Object.keys(metafile.inputs).filter((file) => /(clients\/typescript|packages\/framing)\//.test(file));
  expect(ours.length).toBeGreaterThan(30);
  for (const file of ours) expect(readFileSync(`/${file}`, 'utf8'), file).not.toMatch(/\b(?:Buffer|process)\./);
});
