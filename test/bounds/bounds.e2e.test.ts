import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Arena, openArena } from './arena.ts';
import { drainBacklog } from './backlog.ts';
import { type Findings, problemsOf, tellFindings } from './measure.ts';
import { stopReading } from './readers.ts';
import { loseSockets } from './sockets.ts';

// Small: with more, `npm run bounds` has its say.
const SOCKETS = 150;
const READERS = 12;
const MEGABYTES = 12;
const EVENTS = 15_000;

let arena: Arena;
let red = 0;

beforeAll(async () => {
  arena = await openArena((text) => process.stdout.write(`${text}\n`));
});

afterAll(() => arena?.close(red > 0));

test('members who cease to read have bounded queues, are told so, and later see everything once; nobody else waits', async () => {
  judge(await stopReading(arena, READERS, MEGABYTES));
}, 180_000);

test('a backlog that no relay published is published whole, in bounded memory; live devices see each event once; nobody else waits', async () => {
  judge(await drainBacklog(arena, EVENTS));
}, 180_000);

test('sockets that are all lost at once all resume whole, in bounded memory; nobody else waits', async () => {
  judge(await loseSockets(arena, SOCKETS));
}, 180_000);

function judge(findings: Findings): void {
  process.stdout.write(tellFindings(findings));
  const problems = problemsOf(findings);
  red += problems.length;
  expect(problems).toEqual([]);
}
