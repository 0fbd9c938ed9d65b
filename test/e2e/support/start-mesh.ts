import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createStack, type Instances, type Stack, type StackOptions } from '@realchat/stack';

/** A whole RealChat of one's own, on free ports, with its data in a temporary folder. */
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

/** SIGTERM is what ends the workers of a test run that is broken off. */
const BREAKS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts everything: engines, services, gateway and Envoy. About 10 s when the engines are at hand. Whoever breaks the run off leaves nothing behind. */
export async function startMesh(overrides: StackOptions['overrides'], instances: Instances): Promise<Mesh> {
  const dataDir = await mkdtemp(join(tmpdir(), 'realchat-e2e-'));
  const stack = await createStack({ dataDir, ports: 'private', overrides: overrides ?? {}, instances });
  const killNow = () => {
    stack.killNow();
    process.kill(process.pid, 'SIGKILL');
  };
  for (const signal of BREAKS) process.once(signal, killNow);
  try {
    await stack.start();
  } catch (error) {
    await stack.stop();
    tellWhereLogsAre(stack);
    throw error;
  }
  const { plain, tls, authorityFile } = stack.addresses;
  const certificateAuthority = await readFile(authorityFile);
  // `fetch` takes no certificate of its own.
  setDefaultCACertificates([...getCACertificates(), certificateAuthority.toString()]);
  return {
    stack,
    plain,
    tls,
    tlsAddress: new URL(tls).host,
    certificateAuthority,
    certificateAuthorityFile: authorityFile,
    webSocketUrl: `${tls.replace('https:', 'wss:')}/ws`,
    async stop(failed = false) {
      await stack.stop();
      for (const signal of BREAKS) process.off(signal, killNow);
      if (failed) tellWhereLogsAre(stack);
      else await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function tellWhereLogsAre(stack: Stack): void {
  process.stderr.write(`The logs of the failed run are in ${stack.addresses.logs}\n`);
}
