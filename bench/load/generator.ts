import { type ChildProcess, fork } from 'node:child_process';
import type { Phases } from './open-loop.ts';
import type { FromGenerator, Outcome, Step, ToGenerator } from './step.ts';

/** A load generator in a process of its own, which lives over many runs. */
export class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(new URL('./generator-main.ts', import.meta.url));
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Makes one run. Rejects when it could not be made at all. */
  run(step: Step, phases: Phases): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const exited = () => end(() => reject(new Error('the load generator has died')));
      const end = (settle: () => void) => {
        this.#child.off('message', heard);
        this.#child.off('exit', exited);
        settle();
      };
      const heard = (message: FromGenerator) => {
        if (message.kind === 'measuring') phases.measuring();
        if (message.kind === 'measured') phases.measured();
        if (message.kind === 'outcome') end(() => resolve(message.outcome));
        if (message.kind === 'failed') end(() => reject(new Error(message.message)));
      };
      this.#child.on('message', heard);
      this.#child.once('exit', exited);
      this.#child.send({ kind: 'run', step } satisfies ToGenerator);
    });
  }

  stop(): void {
    this.#child.disconnect();
  }
}
