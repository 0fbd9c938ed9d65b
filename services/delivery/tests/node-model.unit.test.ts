import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carelessLogs } from './careless-logs.ts';
import { checkClient, checkRemembered } from './model-checks.ts';
import { type Happened, type ModelMesh, startModelMesh } from './model-mesh.ts';
import { type ModelParts, wasReset } from './model-node.ts';
import { type Step, schedules } from './model-steps.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 250);
const LIMITS = { numRuns: RUNS, interruptAfterTimeLimit: 60_000 };

/** What the clients of one run, or of several, met. */
interface Statistics extends Happened {
  live: number;
  slow: number;
  reset: number;
  events: number;
}

/** One schedule from begin to end; throws where a client missed something or saw what it may not. */
async function runSchedule(steps: Step[], parts?: ModelParts): Promise<ModelMesh> {
  const run = await startModelMesh(parts);
  await run.begin();
  for (const one of steps) await run.run(one);
  for (const client of run.clients) checkClient(run.memory, client, false);
  await run.heal();
  for (const { node } of run.slots) expect(node.log.positions()).toEqual(run.memory.heads());
  for (const client of run.clients) checkClient(run.memory, client, client.ended === undefined);
  return run;
}

function count(statistics: Statistics, { clients, happened }: ModelMesh): void {
  for (const key of Object.keys(happened) as (keyof Happened)[]) statistics[key] += happened[key];
  for (const { frames, ended } of clients) {
    statistics.events += frames.length;
    if (wasReset(frames)) statistics.reset++;
    if (ended === 'SLOW_CONSUMER') statistics.slow++;
    if (ended !== undefined) continue;
    statistics.live++;
    expect(frames.filter(({ frame }) => frame.case === 'caughtUp')).toHaveLength(1);
  }
}

describe('nodes', () => {
  test('miss nothing, show nothing twice, out of order or to a stranger, whatever relays, topic, calls and crashes do', async () => {
    const statistics: Statistics = {
      live: 0,
      slow: 0,
      reset: 0,
      events: 0,
      crashes: 0,
      stale: 0,
      replayed: 0,
      lost: 0,
      rejoins: 0,
      resumedElsewhere: 0,
    };
    await fc.assert(
      fc.asyncProperty(schedules, async (steps) => {
        const run = await runSchedule(steps);
        checkRemembered(run);
        count(statistics, run);
        for (const client of run.clients) {
          expect([undefined, 'CANCELLED', 'SLOW_CONSUMER', 'DEPENDENCY_UNAVAILABLE']).toContain(client.ended);
          client.close();
        }
        await nextTurn();
        await nextTurn();
        for (const { node, poisoned } of run.slots) {
          expect(node.deadLetters, 'set aside is what was poison, and nothing else').toHaveLength(poisoned);
          expect(node.hub.size).toEqual({ conversations: 0, users: 0 });
          expect({ sessions: node.sessions.size, queued: node.budget.used }).toEqual({ sessions: 0, queued: 0 });
        }
      }),
      LIMITS,
    );
    // The model is worth something only if it gets everywhere.
    expect(statistics.live).toBeGreaterThan(50);
    expect(statistics.events).toBeGreaterThan(500);
    for (const [what, times] of Object.entries(statistics)) expect(times, what).toBeGreaterThan(0);
  }, 120_000);

  test.each(carelessLogs)(
    'with the bug put in that $bug are found out within as many schedules',
    async ({ createLog, symptoms }) => {
      const result = await fc.check(
        fc.asyncProperty(schedules, async (steps) => void (await runSchedule(steps, { createLog }))),
        { ...LIMITS, endOnFailure: true },
      );
      expect(result.failed).toBe(true);
      expect(String(result.errorInstance)).toMatch(symptoms);
    },
    120_000,
  );
});
