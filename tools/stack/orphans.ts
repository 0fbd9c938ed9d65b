import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from './process-identity.ts';
import { type ProcessRecord, readRecords, removeRecord } from './process-record.ts';
import type { Progress } from './progress.ts';

/**
 * Stops what an earlier launcher of the same data folder left running when it was killed. A process counts only if its
 * number and its start are those on record: never a stranger. The order is that of `stopOrder`; each gets its grace.
 * Answers the names of those that ran.
 */
export async function stopOrphans(
  runDirectory: string,
  stopOrder: readonly string[],
  progress: Progress,
): Promise<string[]> {
  const records = readRecords(runDirectory);
  const orphans = records.filter(isRunning).sort((a, b) => rank(stopOrder, a.name) - rank(stopOrder, b.name));
  if (orphans.length > 0) {
    const names = orphans.map((orphan) => orphan.name).join(', ');
    await progress.step(`stopping what an earlier run left behind: ${names}`, async (note) => {
      for (const orphan of orphans) {
        note(orphan.name);
        await end(orphan);
      }
    });
  }
  for (const record of records) removeRecord(runDirectory, record.name);
  return orphans.map((orphan) => orphan.name);
}

async function end(orphan: ProcessRecord): Promise<void> {
  signal(orphan, orphan.stopSignal);
  // A process that was paused would never see the signal.
  signal(orphan, 'SIGCONT');
  if (await ends(orphan, orphan.graceMs)) return;
  signal(orphan, 'SIGKILL');
  await ends(orphan, 5000);
}

function signal(orphan: ProcessRecord, name: NodeJS.Signals): void {
  if (!isRunning(orphan)) return;
  try {
    process.kill(orphan.pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

async function ends(orphan: ProcessRecord, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isRunning(orphan)) {
    if (Date.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

function rank(order: readonly string[], name: string): number {
  // `messaging-2` goes with `messaging`.
  const index = order.indexOf(name.replace(/-\d+$/, ''));
  return index < 0 ? order.length : index;
}
