import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';

const STOPS_WITHIN_MS = 300;

/** A process whose start or stop takes a while; it says where it is. */
async function startProcess(startMs: number): Promise<{ child: ChildProcess; said: (word: string) => Promise<void> }> {
  const program = `
    import { setTimeout as delay } from 'node:timers/promises';
    import { runService } from '${new URL('run-service.ts', import.meta.url).href}';
    const say = (word) => process.stdout.write(word + ' ');
    const log = { info: (...words) => say(words.at(-1)), error() {}, fatal: () => say('failed') };
    const kept = setInterval(() => {}, 1_000);
    await runService({
      async start() {
        say('starting');
        await delay(${startMs});
        if (${startMs} > 0) throw new Error('it was stopped meanwhile');
      },
      stop: () => delay(${STOPS_WITHIN_MS}),
    }, log);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let heard = '';
  child.stdout?.on('data', (chunk) => (heard += String(chunk)));
  return {
    child,
    async said(word) {
      while (!heard.includes(word)) await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    },
  };
}

test.each([
  ['SIGTERM', 'does not hurry what is on its way out', 0],
  ['SIGINT', 'ends it at once', 1],
] as const)('a second %s %s: exit code %i', async (signal, _, code) => {
  const { child, said } = await startProcess(0);
  await said('started');
  child.kill(signal);
  await said('stopping');
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([code, null]);
});

test('a SIGTERM while it starts is obeyed, and that the start fails then is no failure', async () => {
  const { child, said } = await startProcess(STOPS_WITHIN_MS / 3);
  await said('starting');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
