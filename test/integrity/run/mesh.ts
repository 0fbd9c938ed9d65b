import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStack, inEvery, type MeshName, type Progress, type Stack, silentProgress } from '@realchat/stack';
import { kafkaPorts } from '../../../tools/stack/kafka-listeners.ts';
import { privatePorts } from '../../../tools/stack/private-ports.ts';
import { type Gate, startGate } from '../../e2e/support/gate.ts';
import type { Mesh } from '../../e2e/support/mesh.ts';
import type { Edge } from '../clients/cast.ts';
import { Clocks } from '../clocks/clocks.ts';
import { type DiskOwner, Disks } from '../disk/full-disk.ts';
import type { MeshEngines } from '../faults/field.ts';
import { Network, type WireName } from '../network/network.ts';
import { Standby } from './standby.ts';

/** A mesh of one's own, with what faults need between its parts. */
export interface TestedMesh {
  mesh: Mesh;
  edge: Edge;
  relayToKafka: Gate;
  network: Network;
  clocks: Clocks;
  disks: Disks;
  standby: Standby | undefined;
  stop(failed: boolean): Promise<void>;
}

export interface MeshOptions {
  /** How many processes of every service. */
  instances: number;
  wires: readonly WireName[];
  /** The services whose first process has a clock that can be moved. */
  clocks?: readonly MeshName[];
  /** Who has a disk that can be full. */
  disks?: readonly DiskOwner[];
  /** What it has besides the usual: how many brokers, one unless given; a standby of Postgres. */
  engines?: MeshEngines;
  /** Environment of processes, besides that of the launcher. */
  env?: Record<string, Record<string, string>>;
  progress?: Progress;
}

const BREAKS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts it on free ports, with its data in a temporary folder. */
export async function startTestedMesh({
  instances,
  wires,
  clocks: moved = [],
  disks: filled = [],
  engines: { brokers = 1, standby: hasStandby = false } = {},
  env = {},
  progress = silentProgress,
}: MeshOptions): Promise<TestedMesh> {
  const dataDir = await mkdtemp(join(tmpdir(), 'realchat-integrity-'));
  const clocks = await Clocks.create(moved, dataDir, progress);
  const disks = await Disks.create(filled, dataDir, progress);
  const blocks = await Promise.all(Array.from({ length: brokers - 1 }, () => privatePorts(inEvery(instances))));
  const others = blocks.map((block) => ({
    ports: kafkaPorts(block.ports, inEvery(instances)),
    controllerPort: block.ports.kafkaController,
  }));
  const standbyBlock = hasStandby ? await privatePorts() : undefined;
  if (standbyBlock) blocks.push(standbyBlock);
  let network: Network | undefined;
  let gate: Gate | undefined;
  const stack = await createStack({
    dataDir,
    ports: 'private',
    instances: inEvery(instances),
    progress,
    overrides: async (ports) => {
      network = await Network.create(wires, ports, inEvery(instances));
      const { advertised, reroute } = network;
      gate = await startGate(advertised.MESSAGING ?? ports.kafkaMessaging);
      const through = Object.entries(advertised).map(([listener, port]) => [listener, `127.0.0.1:${port}`]);
      return {
        env: { ...env, ...clocks.env, 'messaging-1': preloaded(clocks.env['messaging-1'], disks.env('messaging')) },
        reroute,
        postgres: {
          env: disks.env('postgres'),
          ...(standbyBlock && { standby: { port: standbyBlock.ports.postgres } }),
        },
        kafka: {
          advertised: { ...Object.fromEntries(through), MESSAGING: gate.address },
          env: disks.env('kafka'),
          others,
        },
      };
    },
  });
  if (!network || !gate) throw new Error('the mesh has no network');
  const [wire, relayToKafka] = [network, gate];
  const standby = standbyBlock && new Standby(stack, standbyBlock.ports.postgres);
  // Whoever breaks the run off leaves nothing behind.
  const killNow = () => {
    stack.killNow();
    wire.killNow();
    process.kill(process.pid, 'SIGKILL');
  };
  for (const signal of BREAKS) process.once(signal, killNow);
  const stop = async (failed: boolean) => {
    for (const signal of BREAKS) process.off(signal, killNow);
    await stack.stop();
    await standby?.stop();
    await relayToKafka.stop();
    await wire.stop();
    for (const block of blocks) block.release();
    if (failed) process.stderr.write(`The logs of the failed run are in ${stack.addresses.logs}\n`);
    else await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await stack.start();
    const mesh = await meshOf(stack, stop);
    const edge: Edge = {
      url: `http://localhost:${wire.edge.plain}`,
      tls: { url: `https://localhost:${wire.edge.tls}`, certificateAuthority: mesh.certificateAuthority },
    };
    return { mesh, edge, relayToKafka, network: wire, clocks, disks, standby, stop };
  } catch (error) {
    await stop(true);
    throw error;
  }
}

/** Of two that have a library loaded before everything else, both. */
function preloaded(one: Record<string, string> = {}, other: Record<string, string> = {}): Record<string, string> {
  const libraries = [one['LD_PRELOAD'], other['LD_PRELOAD']].filter((library) => library !== undefined);
  return { ...one, ...other, ...(libraries.length > 0 && { LD_PRELOAD: libraries.join(' ') }) };
}

async function meshOf(stack: Stack, stop: (failed: boolean) => Promise<void>): Promise<Mesh> {
  const { plain, tls, authorityFile } = stack.addresses;
  return {
    stack,
    plain,
    tls,
    tlsAddress: new URL(tls).host,
    certificateAuthority: await readFile(authorityFile),
    certificateAuthorityFile: authorityFile,
    webSocketUrl: `${tls.replace('https:', 'wss:')}/ws`,
    stop: (failed = false) => stop(failed),
  };
}
