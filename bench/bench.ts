import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createStack, type Progress } from '@realchat/stack';
import { describeMachine } from './measure/machine.ts';
import { Meter } from './measure/meter.ts';
import type { BenchOptions } from './options.ts';
import { firstRateOf, leftOf, type PlannedCell, planOf } from './plan.ts';
import { currentCommit, versionsInUse } from './provenance.ts';
import { cellLine } from './report/cell-line.ts';
import type { BenchResult, Cell } from './report/result.ts';
import { measureFixedRate } from './scenarios/fixed-rate.ts';
import { searchSaturation } from './scenarios/saturation.ts';
import { startPeer } from './targets/peer.ts';
import { startRealChat } from './targets/realchat.ts';
import { type System, type Target, type TargetName, targetTitles } from './targets/target.ts';

export interface BenchRun {
  options: BenchOptions;
  progress: Progress;
  /** For the data of what is measured; wiped before and after. */
  folder: string;
  profiles?: string | undefined;
  /** What was measured already. */
  earlier?: BenchResult | undefined;
  /** Called after each cell. */
  save?: (result: BenchResult) => void;
}

/** Before anything is measured, each target runs so long, so that its code is compiled. */
const FIRST_WARM_UP = { perSecond: 300, warmUpMs: 1_000 };

/** Brings everything up, measures what is left of the plan, and takes everything down. */
export async function runBench(run: BenchRun): Promise<BenchResult> {
  const { options, folder } = run;
  await wipe(folder);
  const systems = new Map<'realchat' | 'peer', System>();
  let meter: Meter | undefined;
  try {
    const wanted = new Set(options.targets.map(systemOf));
    const shared = { pairs: options.pairs, progress: run.progress };
    if (wanted.has('realchat')) {
      const { profiles } = run;
      systems.set('realchat', await startRealChat({ ...shared, folder: join(folder, 'realchat'), profiles }));
    }
    if (wanted.has('peer')) systems.set('peer', await startPeer({ ...shared, folder: join(folder, 'peer') }));
    meter = new Meter([...systems.values()], options.seed);
    return await measureAll(run, systems, meter);
  } finally {
    meter?.stop();
    for (const system of systems.values()) await system.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what an earlier run left, its processes first. Throws AlreadyRunning when that run lives. */
async function wipe(folder: string): Promise<void> {
  for (const name of ['realchat', 'peer']) {
    const left = await createStack({ dataDir: join(folder, name), ports: 'private', parts: [] });
    await left.stop();
  }
  await rm(folder, { recursive: true, force: true });
}

async function measureAll(run: BenchRun, systems: Map<string, System>, meter: Meter): Promise<BenchResult> {
  const { options, progress } = run;
  const settings: BenchResult['settings'] = {};
  for (const [name, system] of systems) settings[name] = await system.settings();
  const result: BenchResult = run.earlier ?? {
    format: 1,
    date: new Date().toISOString(),
    commit: currentCommit(),
    machine: describeMachine(),
    versions: versionsInUse(),
    settings,
    options,
    cells: [],
  };
  const targets = new Map(options.targets.map((name) => [name, targetOf(name, systems)]));
  for (const target of targets.values()) {
    const warmUp = { ...FIRST_WARM_UP, measuredMs: options.warmUpSeconds * 1000 };
    await progress.step(`warming up ${targetTitles[target.name]}`, () => meter.measure(target, warmUp));
  }
  const plan = planOf(options);
  for (const planned of leftOf(plan, result.cells)) {
    const target = targets.get(planned.target) as Target;
    const what = planned.scenario === 1 ? `at ${planned.rate}/s` : 'at its highest rate';
    const label = `[${plan.indexOf(planned) + 1}/${plan.length}] ${targetTitles[planned.target]} ${what}`;
    const cell = await progress.step(label, () => measureCell({ run, meter, result }, target, planned));
    progress.say(`      ${cellLine(cell)}`);
    result.cells.push(cell);
    run.save?.(result);
  }
  return result;
}

function measureCell(
  { run, meter, result }: { run: BenchRun; meter: Meter; result: BenchResult },
  target: Target,
  { round, rate }: PlannedCell,
): Promise<Cell> {
  const bench = { meter, options: run.options, machineCores: cpus().length };
  if (rate !== undefined) return measureFixedRate(bench, target, { round, rate });
  const tell = (line: string) => run.progress.say(`      ${line}`);
  return searchSaturation(bench, target, { round, first: firstRateOf(target.name, result.cells), tell });
}

function systemOf(target: TargetName): 'realchat' | 'peer' {
  return target === 'websocket' || target === 'grpc' ? 'realchat' : 'peer';
}

function targetOf(name: TargetName, systems: Map<string, System>): Target {
  return { name, client: name, system: systems.get(systemOf(name)) as System };
}
