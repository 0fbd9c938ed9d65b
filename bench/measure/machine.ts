import { cpus, release, totalmem, type } from 'node:os';

/** What the figures were taken on. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGb: number;
  system: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  };
}
