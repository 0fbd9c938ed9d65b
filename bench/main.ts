import { join } from 'node:path';
import { defaultDataDirectory, streamProgress } from '@realchat/stack';
import { runBench } from './bench.ts';
import { readOptions, USAGE } from './options.ts';
import { Partial } from './partial.ts';
import { currentCommit } from './provenance.ts';
import { differenceOf } from './report/difference.ts';
import { writePage } from './report/page.ts';
import { reportOf } from './report/report.ts';
import { newestResult, storeResult } from './report/store.ts';

const FOLDER = join(defaultDataDirectory, 'bench');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const invocation = readOptions(process.argv.slice(2));
  // All that was started ends with this process.
  for (const signal of SIGNALS) process.once(signal, () => process.exit(130));
  const { options, profiles } = invocation;
  const partial = new Partial(join(defaultDataDirectory, 'bench-partial.json'));
  const earlier = invocation.resume ? partial.load({ commit: currentCommit(), options }) : undefined;
  const progress = streamProgress(process.stdout);
  const save = (result: Parameters<Partial['save']>[0]) => partial.save(result);
  const result = await runBench({ options, progress, folder: FOLDER, profiles, earlier, save });
  partial.remove();
  process.stdout.write(`\n${reportOf(result)}`);
  const before = newestResult();
  if (before) process.stdout.write(`\n${differenceOf(before, result)}`);
  if (invocation.store) {
    process.stdout.write(`\nStored in ${storeResult(result)}; docs/performance.md has its figures\n`);
    writePage(result);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`✗ ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
