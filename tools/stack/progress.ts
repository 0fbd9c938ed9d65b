import pc from 'picocolors';

/** Tells what goes on, one line per step, with the time that each took. */
export interface Progress {
  /** Runs a step that takes time. `note` changes what is shown while it runs. */
  step<T>(label: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** Says one line. */
  say(line: string): void;
}

/** Says nothing: for tests. */
export const silentProgress: Progress = {
  step: (_label, work) => work(() => undefined),
  say: () => undefined,
};

interface Running {
  label: string;
  note: string;
  since: number;
  saidAt: number;
}

const REDRAW_MS = 120;
const SAY_AGAIN_MS = 10_000;

/**
 * Progress on a stream. A terminal gets one line that follows all running steps; anything else gets a line when a step
 * begins, every ten seconds while it runs, and when it ends.
 */
export function streamProgress(stream: NodeJS.WriteStream): Progress {
  const running = new Set<Running>();
  const live = stream.isTTY === true;
  let timer: NodeJS.Timeout | undefined;

  const clear = () => live && stream.write('\r\x1b[K');
  const write = (line: string) => {
    clear();
    stream.write(`${line}\n`);
    draw();
  };
  const draw = () => {
    if (live && running.size > 0) stream.write(`\r\x1b[K${pc.dim(fit(describeAll(running), stream.columns || 80))}`);
  };
  const tick = () => {
    if (live) return draw();
    for (const step of running) {
      if (Date.now() - step.saidAt < SAY_AGAIN_MS) continue;
      step.saidAt = Date.now();
      stream.write(`  … ${describe(step)}\n`);
    }
  };

  return {
    say: write,
    async step(label, work) {
      const step: Running = { label, note: '', since: Date.now(), saidAt: Date.now() };
      running.add(step);
      timer ??= setInterval(tick, live ? REDRAW_MS : 1000);
      if (!live) stream.write(`  … ${label}\n`);
      const end = (mark: string) => {
        running.delete(step);
        if (running.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        write(`  ${mark} ${label} ${pc.dim(`(${elapsed(Date.now() - step.since)})`)}`);
      };
      try {
        const result = await work((text) => {
          step.note = text;
        });
        end(pc.green('✓'));
        return result;
      } catch (error) {
        end(pc.red('✗'));
        throw error;
      }
    },
  };
}

/** A duration for people: `0.4 s`, `12 s`, `2 min 5 s`. */
export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function describe(step: Running): string {
  return `${step.label}${step.note && `: ${step.note}`} ${elapsed(Date.now() - step.since)}`;
}

function describeAll(running: Iterable<Running>): string {
  return `  … ${[...running].map(describe).join(' · ')}`;
}

/** One line must stay one line, or the next redraw cannot take it back. */
function fit(text: string, columns: number): string {
  return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;
}
