import { setTimeout as delay } from 'node:timers/promises';
import { nextDelay } from './backoff.ts';
import { type Child, type Exit, startChild } from './child.ts';
import { tailOfLog } from './log-file.ts';
import { Problem } from './problem.ts';
import type { ProcessSpec } from './process-spec.ts';

/** What a process does right now. `waiting`: it died and is started again after a pause. */
export type ProcessState = 'stopped' | 'starting' | 'ready' | 'waiting' | 'stopping';

/** Something about a process that a person wants to hear. */
export interface ProcessEvent {
  process: string;
  kind: 'died' | 'back';
  detail: string;
}

export interface ManagedProcessOptions {
  /** Where its record is kept while it runs. */
  runDirectory: string;
  logFile: string;
  onEvent?: (event: ProcessEvent) => void;
  onChange?: () => void;
}

/** EX_CONFIG: its settings are wrong, and another try would find them as wrong. */
const CONFIGURATION_ERROR = 78;
const FIRST_START_ATTEMPTS = 3;
const POLL_MS = 60;

/**
 * One process under supervision: once it was ready, it is started again whenever it dies by itself, after a pause that
 * grows while it keeps dying.
 */
export class ManagedProcess {
  readonly name: string;
  readonly spec: ProcessSpec;
  readonly logFile: string;
  readonly #options: ManagedProcessOptions;
  #child: Child | undefined;
  #earlierExit: Exit | undefined;
  #state: ProcessState = 'stopped';
  /** Changes with each start(), stop() and kill: what was under way for an earlier one gives up. */
  #intent = {};
  #wanted = false;
  #restarts = 0;

  constructor(spec: ProcessSpec, options: ManagedProcessOptions) {
    this.spec = spec;
    this.name = spec.name;
    this.logFile = options.logFile;
    this.#options = options;
  }

  /** The process's number; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.exit ? undefined : this.#child?.pid;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** How its last life ended, one that goes on not counted. */
  get lastExit(): Exit | undefined {
    return this.#child?.exit ?? this.#earlierExit;
  }

  /** How often it died by itself and was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Starts it and waits until it is ready. Throws a Problem with the end of its log when it cannot be brought up. */
  async start(): Promise<void> {
    if (this.#wanted) return this.waitReady();
    this.#wanted = true;
    const intent = this.#newIntent();
    for (let attempt = 1; ; attempt++) {
      const child = await this.#spawn(intent);
      const outcome = await this.#becomesReady(child);
      if (outcome === 'ready') {
        void this.#watch(child, intent);
        return;
      }
      const again = outcome === 'died' && attempt < FIRST_START_ATTEMPTS && child.exit?.code !== CONFIGURATION_ERROR;
      if (again && this.#intent === intent) {
        await delay(attempt * 500);
        continue;
      }
      const what = child.exit ? `ended with ${child.exit.cause}` : 'does not become ready';
      await this.stop();
      throw new Problem(`${this.name} ${what}:\n${tailOfLog(this.logFile)}`, `read ${this.logFile}`);
    }
  }

  /** Stops it and keeps it down. Answers `killed` when it did not go within its grace. */
  async stop(): Promise<'stopped' | 'killed'> {
    this.#newIntent();
    this.#wanted = false;
    const child = this.#child;
    let how: 'stopped' | 'killed' = 'stopped';
    if (child && !child.exit) {
      this.#become('stopping');
      child.signal(this.spec.stopSignal);
      // One that is paused would not see the signal.
      child.signal('SIGCONT');
      const inTime = await Promise.race([child.exited, delay(this.spec.graceMs, undefined, { ref: false })]);
      if (!inTime) {
        how = 'killed';
        child.signal('SIGKILL');
        await child.exited;
      }
    }
    this.#become('stopped');
    return how;
  }

  /**
   * Sends a signal that ends it, and waits for the end. It is started again, as after any death, unless `restart` is
   * false: then it stays down until start().
   */
  async kill(signal: NodeJS.Signals = 'SIGKILL', { restart = true } = {}): Promise<void> {
    if (!restart) {
      this.#newIntent();
      this.#wanted = false;
    }
    this.#child?.signal(signal);
    await this.#child?.exited;
    if (!restart) this.#become('stopped');
  }

  /** Freezes it (SIGSTOP): its sockets stay open and nothing answers. */
  pause(): void {
    this.#child?.signal('SIGSTOP');
  }

  resume(): void {
    this.#child?.signal('SIGCONT');
  }

  /** Stops it in good order and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Waits until it is ready, over any number of deaths. */
  async waitReady(timeoutMs: number = this.spec.readyTimeoutMs): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.#state !== 'ready') {
      if (Date.now() > deadline) {
        throw new Problem(`${this.name} is ${this.#state}, not ready, after ${timeoutMs} ms`, `read ${this.logFile}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Kills it without waiting: the launcher itself is on its way out. */
  killNow(): void {
    this.#newIntent();
    this.#wanted = false;
    this.#child?.signal('SIGKILL');
  }

  /** Follows a child that was ready, and those after it, until someone else decides what becomes of it. */
  async #watch(first: Child, intent: object): Promise<void> {
    let child = first;
    let pause: number | undefined;
    for (;;) {
      const exit = await child.exited;
      if (this.#intent !== intent) return;
      this.#restarts++;
      pause = nextDelay(pause, exit.livedMs);
      this.#become('waiting');
      this.#tell('died', `${exit.cause}; starting it again in ${pause} ms`);
      const since = Date.now();
      await delay(pause);
      if (this.#intent !== intent) return;
      child = await this.#spawn(intent);
      const outcome = await this.#becomesReady(child);
      if (outcome === 'ready') this.#tell('back', `ready again after ${Date.now() - since} ms`);
      if (outcome === 'late') child.signal('SIGKILL');
    }
  }

  async #spawn(intent: object): Promise<Child> {
    this.#become('starting');
    try {
      await this.spec.beforeStart?.();
    } catch (error) {
      return stillborn(error instanceof Error ? error.message : String(error));
    }
    if (this.#intent !== intent) return stillborn('not wanted any more');
    this.#earlierExit = this.lastExit;
    this.#child = startChild(this.spec, this.logFile, this.#options.runDirectory);
    return this.#child;
  }

  async #becomesReady(child: Child): Promise<'ready' | 'died' | 'late'> {
    const deadline = Date.now() + this.spec.readyTimeoutMs;
    while (Date.now() < deadline) {
      if (child.exit) return 'died';
      // Asked of an address, so the answer may be another's: it counts only if the child lives after it.
      const ready = await this.spec.ready().catch(() => false);
      if (child.exit) return 'died';
      if (ready) {
        if (this.#state === 'starting') this.#become('ready');
        return 'ready';
      }
      await delay(POLL_MS);
    }
    return 'late';
  }

  #newIntent(): object {
    this.#intent = {};
    return this.#intent;
  }

  #become(state: ProcessState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onChange?.();
  }

  #tell(kind: ProcessEvent['kind'], detail: string): void {
    this.#options.onEvent?.({ process: this.name, kind, detail });
  }
}

/** A child that never was: what had to be done before its start failed. */
function stillborn(cause: string): Child {
  const exit = { code: null, cause, livedMs: 0 };
  return { pid: undefined, exit, exited: Promise.resolve(exit), signal: () => undefined };
}
