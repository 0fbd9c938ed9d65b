import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Problem, type Progress } from '@realchat/stack';
import type { Edge } from '../clients/cast.ts';
import type { Fault, MeshEngines } from '../faults/field.ts';
import { Journal } from '../history/journal.ts';
import type { LeftOut, Line, RunLine } from '../history/line.ts';
import { lookInside } from './look-inside.ts';
import { startTestedMesh } from './mesh.ts';
import { makePlan } from './plan.ts';
import { randomFrom } from './random.ts';
import { run } from './run.ts';
import type { Rate } from './sustained.ts';
import { canMeasure, startWatch } from './watch.ts';

const RATE_LIMITS = '{"*":1000}';
const UNLIMITED = { auth: { RATE_LIMITS }, gateway: { RATE_LIMITS } };

interface Common {
  seed: number;
  commit: string;
  minutes: number;
  /** Of load before the first fault, in seconds. */
  warmUp: number;
  /** How long each fault lasts that lasts, in seconds; its share of the time when undefined. */
  lasts?: number | undefined;
  rate: Rate;
  devices: number;
  /** Where the history is kept; nowhere when undefined. */
  file: string | undefined;
  say: (text: string) => void;
}

/** Against a mesh that runs somewhere: load without faults. Answers the history. */
export async function runAgainstAddress(
  options: Common & { address: string; ca?: string | undefined },
): Promise<Line[]> {
  const { address, ca } = options;
  const url = address.replace(/\/$/, '');
  // For all of them: fetch takes no certificate of its own.
  if (ca !== undefined) setDefaultCACertificates([...getCACertificates(), readFileSync(ca, 'utf8')]);
  const edge: Edge = { url };
  return record(options, { mesh: 'other', measures: false, faults: [] }, async (journal) => {
    const random = randomFrom(options.seed);
    const plan = makePlan([], { minutes: options.minutes, warmUp: 0 }, random);
    await run({ edge, journal, plan, random, devices: options.devices, rate: options.rate, say: options.say });
  });
}

export interface OwnMeshOptions extends Common {
  faults: readonly Fault[];
  /** What was asked for besides and cannot be had. */
  leftOut?: LeftOut[];
  instances: number;
  /** Environment of processes, besides the launcher's. */
  env?: Record<string, Record<string, string>>;
}

/** Against a mesh of its own, which it starts, puts faults on, looks into, and stops. Answers the history. */
export async function runAgainstOwnMesh(options: OwnMeshOptions): Promise<Line[]> {
  const { faults, instances, say } = options;
  // What a user may send is not what the mesh sustains.
  const env = { ...(typeof options.rate !== 'number' && UNLIMITED), ...options.env };
  const random = randomFrom(options.seed);
  const plan = makePlan(faults, options, random);
  say(`starting a mesh of ${instances} of every service`);
  const wires = [...new Set(faults.flatMap((fault) => fault.wires ?? []))];
  const clocks = [...new Set(faults.flatMap((fault) => fault.clocks ?? []))];
  const disks = [...new Set(faults.flatMap((fault) => fault.disks ?? []))];
  const engines = enginesOf(faults);
  const tested = await startTestedMesh({ instances, engines, wires, clocks, disks, env, progress: eventsOnly(say) });
  let whole = false;
  try {
    const about = { mesh: 'own', measures: canMeasure(), faults: plan.faults.map(({ id }) => id) } as const;
    const lines = await record(options, { ...about, leftOut: options.leftOut ?? [] }, async (journal) => {
      const { mesh, edge, relayToKafka, network, clocks: moved, disks: filled, standby } = tested;
      const watch = startWatch(mesh, journal);
      try {
        await run({
          edge,
          journal,
          plan,
          random,
          devices: options.devices,
          rate: options.rate,
          say,
          field: (cast, load) => ({
            mesh,
            edge,
            cast,
            journal,
            load,
            watch,
            random,
            relayToKafka,
            network,
            clocks: moved,
            disks: filled,
            standby,
            lastsMs: plan.lastsMs,
            say,
            healed: () => undefined,
          }),
        });
        say('reading the log and the topics');
        await lookInside(mesh, journal);
      } finally {
        await watch.stop();
      }
    });
    whole = true;
    return lines;
  } finally {
    await tested.stop(!whole);
  }
}

async function record(
  options: Common,
  about: Omit<RunLine, 'type' | 'seed' | 'commit'>,
  work: (journal: Journal) => Promise<void>,
): Promise<Line[]> {
  const journal = new Journal(options.file);
  const { seed, commit } = options;
  journal.write({ type: 'run', seed, commit, ...about });
  try {
    await work(journal);
  } finally {
    journal.close();
  }
  return journal.lines;
}

/** Deaths and returns of processes; the steps of the start are no news here. */
function eventsOnly(say: (text: string) => void): Progress {
  return { say: (text) => say(text.trim()), step: (_label, work) => work(() => undefined) };
}

/** All of a run's faults have one mesh. Throws a Problem when they need different ones. */
function enginesOf(faults: readonly Fault[]): MeshEngines {
  const [engines = {}, ...others] = new Map(
    faults.map((fault) => [JSON.stringify(fault.engines), fault.engines]),
  ).values();
  if (others.length === 0) return engines;
  const own = faults.filter((fault) => fault.engines).map(({ id }) => id);
  throw new Problem(`${own.join(', ')} and other faults need different meshes`, `run ${own.join(', ')} alone`);
}
