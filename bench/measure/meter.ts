import { Generator } from '../load/generator.ts';
import type { Outcome } from '../load/step.ts';
import { type Measurement, sum } from '../measurement.ts';
import type { System, Target } from '../targets/target.ts';
import { memoryOf, type Sample, takeSample, usageBetween } from './usage.ts';

/** A run that is to be made. */
export interface Run {
  perSecond: number;
  warmUpMs: number;
  measuredMs: number;
}

interface Snapshot {
  sample: Sample;
  wal: Promise<number>;
}

/** Makes runs against targets and looks at the machine meanwhile. Each target has a load generator of its own, which stays warm. */
export class Meter {
  readonly #systems: readonly System[];
  readonly #seed: number;
  readonly #generators = new Map<Target, Generator>();
  #runs = 0;

  /** `systems`: all that run; those that are not measured are looked at, too. */
  constructor(systems: readonly System[], seed: number) {
    this.#systems = systems;
    this.#seed = seed;
  }

  async measure(target: Target, run: Run): Promise<Measurement> {
    const { system, client } = target;
    const generator = this.#generatorOf(target);
    const step = {
      client,
      address: system.address(client),
      pairs: await system.pairs(),
      ...run,
      run: `s${this.#seed}r${++this.#runs}`,
      seed: this.#seed + this.#runs,
    };
    const look = (): Snapshot => ({ sample: takeSample(), wal: system.walBytes() });
    let before = look();
    let after: Snapshot | undefined;
    let megabytes: Record<string, number> = {};
    const outcome = await generator.run(step, {
      measuring: () => {
        before = look();
      },
      measured: () => {
        after = look();
        megabytes = memoryOf(system.roots());
      },
    });
    return { ...(await this.#weigh(target, run, outcome, before, after ?? look())), megabytes };
  }

  stop(): void {
    for (const generator of this.#generators.values()) generator.stop();
  }

  #generatorOf(target: Target): Generator {
    const generator = this.#generators.get(target) ?? new Generator();
    this.#generators.set(target, generator);
    return generator;
  }

  async #weigh(target: Target, run: Run, outcome: Outcome, before: Snapshot, after: Snapshot) {
    const usageOf = (roots: ReadonlyMap<string, number>) => usageBetween(before.sample, after.sample, roots);
    const { cores, seconds, machine } = usageOf(target.system.roots());
    const generator = usageOf(new Map([['generator', this.#generatorOf(target).pid]])).cores['generator'] ?? 0;
    const others = this.#systems.filter((system) => system !== target.system);
    const bystanders = sum(others.flatMap((system) => Object.values(usageOf(system.roots()).cores)));
    const written = (await after.wal) - (await before.wal);
    return {
      ...outcome,
      perSecond: run.perSecond,
      seconds,
      cores,
      generator,
      bystanders,
      elsewhere: Math.max(0, machine - sum(Object.values(cores)) - generator - bystanders),
      walBytesPerMessage: outcome.due === 0 ? 0 : Math.round(written / outcome.due),
    };
  }
}
