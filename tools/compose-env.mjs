// Makes .env for docker compose from .env.example: every name that is empty there gets random characters of its own. What
// .env has already is left as it is, so a later version only adds what is new. Plain JavaScript for Node 18 and newer.
//   node tools/compose-env.mjs [folder]
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ASSIGNMENT = /^([A-Z][A-Z0-9_]*)=(.*)$/;

const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const target = join(folder, '.env');
const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const kept = existsSync(target) ? readFileSync(target, 'utf8').trimEnd().split('\n') : [];

const known = new Set(kept.flatMap((line) => (textOf(line) ? [nameOf(line)] : [])));
const wanted = example.flatMap((line) => (nameOf(line) && !known.has(nameOf(line)) ? [nameOf(line)] : []));
if (wanted.length === 0) {
  process.stdout.write(`${target} has everything\n`);
} else {
  // At the first time with the comments; later only the lines that are missing, or have no value.
  const lines = kept.length === 0 ? example : example.filter((line) => wanted.includes(nameOf(line)));
  const rest = kept.filter((line) => !wanted.includes(nameOf(line)));
  write(`${[...rest, ...lines.map(filled)].join('\n')}\n`);
  process.stdout.write(`${target}: added ${wanted.join(', ')}\n`);
}

function nameOf(line) {
  return ASSIGNMENT.exec(line)?.[1];
}

function textOf(line) {
  return ASSIGNMENT.exec(line)?.[2];
}

function filled(line) {
  const name = nameOf(line);
  if (!name || textOf(line)) return line;
  return `${name}=${name === 'KAFKA_CLUSTER_ID' ? clusterId() : random(32)}`;
}

/** In characters that need no escaping in an address or in the file. */
function random(bytes) {
  return randomBytes(bytes).toString('base64url');
}

/** 16 bytes as Kafka writes them. One that begins with a hyphen would pass for an option on Kafka's command line. */
function clusterId() {
  const id = random(16);
  return id.startsWith('-') ? clusterId() : id;
}

/** For this user alone, and whole or not at all. */
function write(text) {
  writeFileSync(`${target}.new`, text, { mode: 0o600 });
  renameSync(`${target}.new`, target);
}
