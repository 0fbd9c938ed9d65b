import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mesh } from './mesh.ts';

/** The lines of any process's or engine's log that have one of these texts in them, behind the name of their file. */
export async function linesWith({ stack }: Mesh, texts: readonly string[]): Promise<string[]> {
  const folder = stack.addresses.logs;
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    found.push(...lines.filter((line) => texts.some((text) => line.includes(text))).map((line) => `${name}: ${line}`));
  }
  return found;
}
