import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStack, type Instances, type Stack, type StackOptions } from '@realchat/stack';
import { afterAll, afterEach, beforeAll } from 'vitest';

/** A whole RealChat for one test file, on free ports, with its data in a temporary folder. */
export interface Mesh {
  stack: Stack;
  /** The edge's plain listener, `http://…`. */
  plain: string;
  /** The edge's TLS listener, `https://…`, and the same as `host:port`. */
  tls: string;
  tlsAddress: string;
  /** What a client of the TLS listener must trust, PEM, and the file it is in. */
  certificateAuthority: Buffer;
  certificateAuthorityFile: string;
  /** Of the TLS listener. */
  webSocketUrl: string;
  /** Stops everything. The folder with its logs is kept for a look when `failed`. */
  stop(failed?: boolean): Promise<void>;
}

/**
 * A mesh for a whole test file, started before its first test and stopped after its last. Its logs are kept for a look when
 * a test failed. One process of each service runs unless `instances` says otherwise. Answers how to get at it once the tests run.
 */
export function useMesh(overrides: StackOptions['overrides'] = {}, instances: Instances = {}): () => Mesh {
  let mesh: Mesh | undefined;
  let failed = false;
  beforeAll(async () => {
    mesh = await startMesh(overrides, instances);
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => mesh?.stop(failed));
  return () => {
    if (!mesh) throw new Error('the mesh is not started yet');
    return mesh;
  };
}

/** Starts everything: engines, services, gateway and Envoy. About 10 s when the engines are at hand. */
async function startMesh(overrides: StackOptions['overrides'], instances: Instances): Promise<Mesh> {
  const dataDir = await mkdtemp(join(tmpdir(), 'realchat-e2e-'));
  const stack = await createStack({ dataDir, ports: 'private', overrides: overrides ?? {}, instances });
  // A test run that is broken off ends its workers with this.
  const killNow = () => {
    stack.killNow();
    process.kill(process.pid, 'SIGKILL');
  };
  process.once('SIGTERM', killNow);
  try {
    await stack.start();
  } catch (error) {
    await stack.stop();
    tellWhereLogsAre(stack);
    throw error;
  }
  const { plain, tls, authorityFile } = stack.addresses;
  return {
    stack,
    plain,
    tls,
    tlsAddress: new URL(tls).host,
    certificateAuthority: await readFile(authorityFile),
    certificateAuthorityFile: authorityFile,
    webSocketUrl: `${tls.replace('https:', 'wss:')}/ws`,
    async stop(failed = false) {
      await stack.stop();
      process.off('SIGTERM', killNow);
      if (failed) tellWhereLogsAre(stack);
      else await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function tellWhereLogsAre(stack: Stack): void {
  process.stderr.write(`The logs of the failed run are in ${stack.addresses.logs}\n`);
}
