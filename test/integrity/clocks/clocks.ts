import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MeshName, type Progress, type StackOverrides, silentProgress } from '@realchat/stack';
import { ensureFaketime } from './faketime-library.ts';

/** The library looks into its file once a second; a jump is there by then. */
const LOOKS_EVERY_S = 1;

/**
 * Clocks of processes that can be moved while they run: the time of day alone. The monotonic clock, and every timer by it,
 * go on as they are, as they do when the clock of a machine is set.
 */
export class Clocks {
  readonly #folder: string;
  /** What the processes have to be started with: the first of each service. */
  readonly env: NonNullable<StackOverrides['env']> = {};

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Gives the first process of each of the services such a clock; none needs no library. Its files are in the folder. */
  static async create(
    services: readonly MeshName[],
    folder: string,
    progress: Progress = silentProgress,
  ): Promise<Clocks> {
    const clocks = new Clocks(folder);
    if (services.length === 0) return clocks;
    const library = await ensureFaketime(progress);
    for (const service of services) {
      await clocks.move(service, 0);
      clocks.env[`${service}-1`] = {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clocks.#file(service),
        FAKETIME_CACHE_DURATION: String(LOOKS_EVERY_S),
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
    }
    return clocks;
  }

  /** So many seconds before (negative) or after the time of day, from within a second on. */
  async move(service: MeshName, seconds: number): Promise<void> {
    const file = this.#file(service);
    await writeFile(`${file}.next`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    // At once, so that nobody reads half of it.
    await rename(`${file}.next`, file);
  }

  #file(service: MeshName): string {
    return join(this.#folder, `clock-of-${service}`);
  }
}
