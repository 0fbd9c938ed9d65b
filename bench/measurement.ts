import type { Outcome } from './load/step.ts';

/** A run at one rate, from both sides: what its clients saw, and what it cost. */
export interface Measurement extends Outcome {
  perSecond: number;
  /** How long was measured. */
  seconds: number;
  /** Of the system's own processes, its engines' included, in cores. */
  cores: Record<string, number>;
  /** Of the load generator, in cores. */
  generator: number;
  /** Of the systems that were not measured and idle beside, in cores. */
  bystanders: number;
  /** Of everything else on the machine, in cores: what disturbed the run, and what the kernel did in nobody's name. */
  elsewhere: number;
  /** Of the system's processes, their share of what they have in common, in megabytes. */
  megabytes: Record<string, number>;
  walBytesPerMessage: number;
}

/** Processor time of each process for one message, in microseconds. */
export function microsPerMessage({ cores, perSecond }: Measurement): Record<string, number> {
  const micros = Object.entries(cores).map(([name, used]) => [name, Math.round((used * 1e6) / perSecond)]);
  return Object.fromEntries(micros);
}

/** The same of the whole system, without the load generator. */
export function serverMicros({ cores, perSecond }: Measurement): number {
  return Math.round((sum(Object.values(cores)) * 1e6) / perSecond);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
