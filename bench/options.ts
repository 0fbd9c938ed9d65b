import { parseArgs } from 'node:util';
import { type TargetName, targetTitles } from './targets/target.ts';

/** What a whole benchmark does. */
export interface BenchOptions {
  scenarios: number[];
  /** Messages per second of scenario 1. */
  rates: number[];
  rounds: number;
  targets: TargetName[];
  pairs: number;
  warmUpSeconds: number;
  measuredSeconds: number;
  /** Of the short runs of scenario 2. */
  searchSeconds: number;
  seed: number;
}

/** How this invocation goes about it. */
export interface Invocation {
  options: BenchOptions;
  /** Goes on where an earlier one was broken off. */
  resume: boolean;
  /** Where to leave profiles of processor time; none when left out. */
  profiles: string | undefined;
  /** Keep the result among the stored ones. */
  store: boolean;
}

export const USAGE = `npm run bench [-- options]

  --quick              one short round of scenario 1 at 500/s, not stored: under two minutes
  --scenario 1,2       1: fixed rates, 2: the highest rate with p99 below 100 ms
  --rates 200,500      messages per second of scenario 1 (200,500,2000,5000)
  --rounds 3           how often each figure is taken
  --transport names    ${Object.keys(targetTitles).join(',')}
  --pairs 25           pairs of users who talk
  --seconds 12         measured at each rate, after a warm-up of 8 s
  --seed 1             of the texts
  --resume             goes on where the last run was broken off
  --store              stores the result although it is not of the whole plan
  --profile folder     leaves a profile of processor time of each process of the mesh; never stored
`;

const FULL = {
  scenario: '1,2',
  rates: '200,500,2000,5000',
  rounds: '3',
  seconds: '12',
  warmUpSeconds: 8,
  searchSeconds: 6,
};
const QUICK = { scenario: '1', rates: '500', rounds: '1', seconds: '5', warmUpSeconds: 3, searchSeconds: 3 };

/** Reads a command line. Throws an Error with the reason when it makes no sense. */
export function readOptions(args: string[]): Invocation {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      rates: { type: 'string' },
      rounds: { type: 'string' },
      transport: { type: 'string' },
      pairs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      resume: { type: 'boolean', default: false },
      store: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const usual = values.quick ? QUICK : FULL;
  const scenarios = numbers('scenario', values.scenario ?? usual.scenario);
  if (scenarios.some((scenario) => scenario !== 1 && scenario !== 2)) throw new Error('--scenario is 1, 2 or 1,2');
  return {
    options: {
      scenarios,
      rates: numbers('rates', values.rates ?? usual.rates),
      rounds: number('rounds', values.rounds ?? usual.rounds),
      targets: targetsOf(values.transport ?? Object.keys(targetTitles).join(',')),
      pairs: number('pairs', values.pairs ?? '25'),
      warmUpSeconds: usual.warmUpSeconds,
      measuredSeconds: number('seconds', values.seconds ?? usual.seconds),
      searchSeconds: usual.searchSeconds,
      seed: number('seed', values.seed),
    },
    resume: values.resume,
    profiles: values.profile,
    store: values.profile === undefined && (values.store || isWhole(values)),
  };
}

/** Whether nothing was left out: the stored results are to be compared with each other. */
function isWhole({ seed: _seed, resume: _resume, ...others }: Record<string, unknown>): boolean {
  return Object.values(others).every((value) => value === undefined || value === false);
}

function targetsOf(text: string): TargetName[] {
  return text.split(',').map((name) => {
    if (!(name in targetTitles)) throw new Error(`--transport is some of ${Object.keys(targetTitles).join(', ')}`);
    return name as TargetName;
  });
}

function numbers(name: string, text: string): number[] {
  return text.split(',').map((part) => number(name, part));
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: not a whole number from 1 on`);
  return value;
}
