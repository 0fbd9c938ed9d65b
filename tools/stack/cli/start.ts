import { setTimeout as delay } from 'node:timers/promises';
import { readHolder } from '../file-lock.ts';
import { inEvery } from '../instances.ts';

import { stackPaths } from '../paths.ts';
import { Problem } from '../problem.ts';
import { asIdentity, isRunning } from '../process-identity.ts';
import { elapsed, type Progress, streamProgress } from '../progress.ts';
import { AlreadyRunning, createStack, launcherLock, type Stack } from '../stack.ts';
import { allParts, type PartName, type StackOptions } from '../stack-options.ts';
import { readState } from '../stack-state.ts';
import { npmOwner } from './npm-owner.ts';
import { onStopSignals } from './stop-signals.ts';
import { tell } from './tell.ts';
import { welcome } from './welcome.ts';

const OWNER_CHECK_MS = 1000;
const EARLIER_RUN_MS = 90_000;

/** `npm start`: brings everything up, says where it is, and stays until it is told to stop; then ends the process. */
export async function start(options: { dataDir: string; only?: string | undefined }): Promise<never> {
  const since = Date.now();
  const progress = streamProgress(process.stdout);
  const owner = npmOwner();
  let stack: Stack | undefined;
  let ending: Promise<never> | undefined;

  const end = (code: number): Promise<never> => (ending ??= takeDown(stack, progress, code));
  const stopFor = onStopSignals(
    (reason) => {
      progress.say(`${reason}: stopping everything; once more kills it at once`);
      void end(0);
    },
    () => {
      stack?.killNow();
      process.exit(130);
    },
  );
  // Also keeps this process alive while none of its children is.
  setInterval(() => {
    if (owner && !isRunning(owner) && !ending) stopFor('npm is gone');
  }, OWNER_CHECK_MS);

  try {
    stack = await take({
      dataDir: options.dataDir,
      parts: partsOf(options.only),
      instances: inEvery(instancesOf(process.env['REALCHAT_INSTANCES'] || '1')),
      host: process.env['REALCHAT_HOST'] || '127.0.0.1',
      logLevel: process.env['LOG_LEVEL'] || 'info',
      progress,
      owner,
    });
    await stack.start();
    progress.say(welcome(stack, elapsed(Date.now() - since)));
  } catch (error) {
    // What fails because we are stopping is no failure.
    if (ending) return ending;
    tell(error);
    return end(1);
  }
  return new Promise<never>(() => undefined);
}

/** Takes down what is up, says how it went, and ends the process: a download that was cut off must not keep it. */
async function takeDown(stack: Stack | undefined, progress: Progress, code: number): Promise<never> {
  if (!stack) process.exit(code);
  const { killed, unclean } = await stack.stop();
  const complaints = [
    ...(killed.length > 0 ? [`had to be killed: ${killed.join(', ')}`] : []),
    ...(unclean.length > 0 ? [`did not end well, see their logs: ${unclean.join(', ')}`] : []),
  ];
  progress.say(complaints.length > 0 ? `Stopped; ${complaints.join('; ')}.` : 'Stopped cleanly.');
  process.exit(complaints.length > 0 ? 1 : code);
}

/** Takes the data folder; one whose launcher is on its way out is waited for. */
async function take(options: StackOptions & { progress: Progress }): Promise<Stack> {
  const paths = stackPaths(options.dataDir);
  try {
    return await createStack(options);
  } catch (error) {
    if (!(error instanceof AlreadyRunning) || !isLeaving()) throw error;
  }
  await options.progress.step('waiting for an earlier run to end', async () => {
    const deadline = Date.now() + EARLIER_RUN_MS;
    for (
      let holder = readHolder(launcherLock(paths));
      holder && isRunning(holder);
      holder = readHolder(launcherLock(paths))
    ) {
      if (Date.now() > deadline) throw new Problem(`the earlier run (process ${holder.pid}) does not end`, 'kill it');
      await delay(200);
    }
  });
  return createStack(options);

  function isLeaving(): boolean {
    const owner = asIdentity(readHolder(launcherLock(paths))?.note);
    return readState(paths.state)?.phase === 'stopping' || (owner !== undefined && !isRunning(owner));
  }
}

function instancesOf(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text);
  throw new Problem(`REALCHAT_INSTANCES is ${JSON.stringify(text)}`, 'say how many of every service, from 1 to 9');
}

function partsOf(only: string | undefined): readonly PartName[] {
  if (only === undefined) return allParts;
  return only.split(',').map((name) => {
    const part = allParts.find((known) => known === name);
    if (!part) throw new Problem(`there is no part ${JSON.stringify(name)}`, `the parts are ${allParts.join(', ')}`);
    return part;
  });
}
