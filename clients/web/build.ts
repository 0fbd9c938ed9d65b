import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type OutputFile } from 'esbuild';

// Bundles the page into `dist/`: index.html, and scripts and styles whose names change with their content.

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ['main.ts', 'styles.css'],
  outdir: dist,
  entryNames: 'assets/[name]-[hash]',
  bundle: true,
  write: false,
  format: 'esm',
  target: ['chrome123', 'firefox121', 'safari17.5'],
  minify: true,
  sourcemap: true,
  logLevel: 'warning',
});

const page = await readFile(join(here, 'index.html'), 'utf8');
const files = new Map<string, string | Uint8Array>(
  outputFiles.map(({ path, contents }: OutputFile) => [relative(dist, path), contents]),
);
files.set('icon.svg', await readFile(join(here, 'icon.svg')));
// Last, so that a page that is asked for meanwhile finds what it names.
files.set('index.html', page.replace('{{script}}', addressOf('.js')).replace('{{styles}}', addressOf('.css')));

for (const [name, contents] of files) {
  await mkdir(dirname(join(dist, name)), { recursive: true });
  await writeFile(join(dist, name), contents);
}
for (const name of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(name.parentPath, name.name);
  if (name.isFile() && !files.has(relative(dist, path))) await rm(path);
}

function addressOf(extension: string): string {
  const found = outputFiles.map(({ path }) => relative(dist, path)).find((name) => name.endsWith(extension));
  if (found === undefined) throw new Error(`the bundler made no ${extension} file`);
  return `/${found.replaceAll('\\', '/')}`;
}
