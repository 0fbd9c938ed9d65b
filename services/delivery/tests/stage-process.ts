import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '@realchat/testkit';
import type { startIssuer } from '@realchat/testkit/token-issuer';
import { openStream } from './stream-client.ts';

const WORKER = fileURLToPath(new URL('delivery-worker.ts', import.meta.url));

/** A delivery process of its own, which can be killed. */
export async function startProcess(
  environment: Record<string, string>,
  issuer: Awaited<ReturnType<typeof startIssuer>>,
) {
  const child = spawn(process.execPath, [WORKER], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ports = JSON.parse((await lines.next()).value ?? '{}') as { grpc: number; ops: number };
  await until('it is ready', async () => (await fetch(`http://127.0.0.1:${ports.ops}/readyz`)).ok, 20_000);
  return {
    open: async (userId: string, cursor?: Uint8Array, claims: Record<string, unknown> = {}) =>
      openStream(ports.grpc, await issuer.sign({ sub: userId, ...claims }), cursor),
    kill: () => child.kill('SIGKILL'),
  };
}
