import { parseCommandLine, USAGE } from './command-line.ts';
import { runCommand } from './commands.ts';
import { exitCodes, outcomeOf } from './exit-codes.ts';
import { createOutput } from './output.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
// The reader of a pipe has gone: there is nobody to print for.
process.stdout.on('error', () => process.exit(exitCodes.ok));

try {
  const line = parseCommandLine(process.argv.slice(2), process.env);
  if (line.help) process.stdout.write(USAGE);
  else await runCommand(line, createOutput(line.json), interrupted.signal);
} catch (thrown) {
  const { exitCode, sentence } = outcomeOf(thrown);
  process.stderr.write(`realchat: ${sentence}\n${exitCode === exitCodes.usage ? `\n${USAGE}` : ''}`);
  process.exitCode = exitCode;
}
// Whatever still waits, the command is over.
process.exit();
