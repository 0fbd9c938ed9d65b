import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

interface Rule {
  matches: (path: string) => boolean;
  keeps: boolean;
}

/**
 * The files that docker build sends to the engine: all below the folder but for what `.dockerignore` leaves out. As there, the
 * last rule that matches the file or a folder above it decides.
 */
export function buildContext(root: string): string[] {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').flatMap(toRule);
  return filesBelow(root, root).filter((file) => !isLeftOut(file, rules));
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // A rule leaves them out; not looking there at all is for speed.
    if (entry.name === 'node_modules' || entry.name === '.git') return [];
    return entry.isDirectory() ? filesBelow(root, path) : [relative(root, path)];
  });
}

function isLeftOut(file: string, rules: readonly Rule[]): boolean {
  const steps = file.split('/');
  const paths = steps.map((_, index) => steps.slice(0, index + 1).join('/'));
  return rules.findLast((rule) => paths.some(rule.matches))?.keeps === false;
}

function toRule(line: string): Rule[] {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return [];
  const keeps = text.startsWith('!');
  const pattern = new RegExp(`^${expression(keeps ? text.slice(1) : text)}$`);
  return [{ keeps, matches: (path) => pattern.test(path) }];
}

function expression(glob: string): string {
  return glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**/', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('\u0000', '(?:.*/)?');
}
