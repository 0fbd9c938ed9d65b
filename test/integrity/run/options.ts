import { parseArgs } from 'node:util';
import { Problem } from '@realchat/stack';
import type { Rate } from './sustained.ts';

export const USAGE = `npm run integrity -- [options]

  --faults F-01,F-05   which faults of docs/guarantees.md; none: load alone. F-01 means all of its kind, \`all\` every one,
                       \`random\` those that the seed chooses, as many as have their turn in the time
  --seed 7             of the schedule and the load (a new one, printed)
  --minutes 2          about how long; each fault has its turn once at least
  --rate 60            messages begun in a second; 80% is that part of what the mesh is found to sustain first, which is printed
  --lasts 120          seconds that each fault lasts that lasts; otherwise a third of its share of the time, 3 to 30
  --warm-up 5          seconds of load before the first fault; memory is judged from 60 on
  --devices 18         clients of mixed kinds
  --instances 2        processes of every service
  --runs 1             a series: so many runs with seeds one after the other
  --resume FOLDER      goes on with the series in a results folder
  --address URL        against a running mesh: no faults, nothing is looked into
  --ca FILE            what an https address must be trusted by, PEM
  --check FILE         judges a history that was recorded before, and runs nothing
  --bugs all           proves the suite: each of these bugs, built into a mesh, must be found, and nothing without it
  --list               the faults and the bugs

Results are kept in .realchat/integrity/<time>-<seed>/: history.jsonl, report.txt, report.json.
The exit code is 0 when all holds, 1 when something does not, 3 when the run cannot tell.
`;

export interface Options {
  faults: string[];
  seed: number;
  minutes: number;
  warmUp: number;
  lasts: number | undefined;
  rate: Rate;
  devices: number;
  instances: number;
  runs: number;
  resume: string | undefined;
  address: string | undefined;
  ca: string | undefined;
  check: string | undefined;
  bugs: string[];
  list: boolean;
  help: boolean;
}

/** Throws a Problem when they cannot be read. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const numbers = {
    seed: text,
    minutes: text,
    'warm-up': text,
    lasts: text,
    rate: text,
    devices: text,
    instances: text,
    runs: text,
  };
  const others = {
    faults: text,
    resume: text,
    address: text,
    ca: text,
    check: text,
    bugs: text,
    list: flag,
    help: flag,
  };
  let values: Partial<Record<string, string | boolean>>;
  try {
    values = parseArgs({ args, options: { ...numbers, ...others } }).values;
  } catch (error) {
    throw new Problem(error instanceof Error ? error.message : String(error), 'npm run integrity -- --help');
  }
  const number = (name: keyof typeof numbers, otherwise: number, least: number): number => {
    const given = values[name];
    const value = given === undefined ? otherwise : Number(given);
    if (Number.isFinite(value) && value >= least) return value;
    throw new Problem(`--${name} is ${JSON.stringify(given)}`, `give a number, at least ${least}`);
  };
  const string = (name: keyof typeof others): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const list = (name: 'faults' | 'bugs') => (string(name) ?? '').split(',').filter((id) => id !== '');
  const options: Options = {
    faults: list('faults'),
    bugs: list('bugs'),
    seed: Math.floor(number('seed', 1 + Math.floor(Math.random() * 1_000_000), 1)),
    minutes: number('minutes', 2, 0.1),
    warmUp: number('warm-up', 5, 1),
    lasts: values['lasts'] === undefined ? undefined : number('lasts', 10, 1),
    rate: rateOf(values['rate']) ?? number('rate', 60, 1),
    devices: Math.floor(number('devices', 18, 6)),
    instances: Math.floor(number('instances', 2, 1)),
    runs: Math.floor(number('runs', 1, 1)),
    resume: string('resume'),
    address: string('address'),
    ca: string('ca'),
    check: string('check'),
    list: values['list'] === true,
    help: values['help'] === true,
  };
  if (options.address !== undefined && options.faults.length > 0)
    throw new Problem('--address and --faults', 'a mesh of somebody else gets no faults: leave one of them out');
  return options;
}

/** Of `80%`, the share; undefined for anything else. */
function rateOf(given: string | boolean | undefined): Rate | undefined {
  const [, percent] = /^(\d+)%$/.exec(String(given)) ?? [];
  return percent === undefined || Number(percent) === 0 ? undefined : { share: Number(percent) / 100 };
}
