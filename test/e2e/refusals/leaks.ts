import { hostname } from 'node:os';
import { repositoryRoot } from '@realchat/stack';
import type { Mesh } from '../support/mesh.ts';

/** What no answer to a client may say: how it works inside. */
const WORDS = [
  /\b(select|insert|update|delete)\b[^\n]{0,80}\b(from|into|where|set)\b/i,
  /syntax error|duplicate key|violates|relation "|null value in column/i,
  /postgres|kafka|valkey|redis|ioredis|grpc-js|node:internal|node_modules/i,
  /\bE(CONNREFUSED|CONNRESET|PIPE|NOENT|TIMEDOUT)\b/,
  /\bat [\w.<>]+ \(|\.[cm]?[jt]s:\d+/,
  /\b(127\.0\.0\.1|0\.0\.0\.0|\[::1\])/,
  /\b(TypeError|RangeError|ReferenceError|SyntaxError|AssertionError)\b/,
  /upstream connect error|reset reason|transport failure/i,
];

/** Says what in an answer tells of the inside; nothing when all is well. */
export function createLeakFinder(mesh: Mesh): (everything: string) => string[] {
  const { ports } = mesh.stack;
  const inside = Object.entries(ports).filter(([name]) => name !== 'edgePlain' && name !== 'edgeTls');
  const names = [repositoryRoot, hostname(), ...inside.map(([, port]) => `:${port}`)];
  return (everything) => [
    ...WORDS.flatMap((pattern) => pattern.exec(everything)?.[0] ?? []),
    ...names.filter((name) => everything.includes(name)),
  ];
}
