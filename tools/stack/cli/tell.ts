import pc from 'picocolors';
import { Problem } from '../problem.ts';

/** Says what went wrong on standard error: a Problem in a line or two with the way out, anything else with its stack. */
export function tell(error: unknown): void {
  process.stderr.write(`${describe(error)}\n`);
}

function describe(error: unknown): string {
  // Several parts may lack the same thing.
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describe))].join('\n');
  if (error instanceof Problem) return `${pc.red('✗')} ${error.message}\n  ${pc.bold('→')} ${error.wayOut}`;
  return `${pc.red('✗')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
