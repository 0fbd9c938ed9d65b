import type { MeshName } from '@realchat/stack';
import type { Gate } from '../../e2e/support/gate.ts';
import type { Mesh } from '../../e2e/support/mesh.ts';
import type { Cast, Edge } from '../clients/cast.ts';
import type { Clocks } from '../clocks/clocks.ts';
import type { DiskOwner, Disks } from '../disk/full-disk.ts';
import type { Journal } from '../history/journal.ts';
import type { Breach } from '../history/line.ts';
import type { Network, WireName } from '../network/network.ts';
import type { Load } from '../run/load.ts';
import type { Random } from '../run/random.ts';
import type { Standby } from '../run/standby.ts';
import type { Watch } from '../run/watch.ts';

/** What a fault works with. */
export interface Field {
  mesh: Mesh;
  edge: Edge;
  cast: Cast;
  journal: Journal;
  load: Load;
  watch: Watch;
  random: Random;
  /** Stands between the relay and Kafka. */
  relayToKafka: Gate;
  /** Proxies between parts; only those that the run's faults asked for. */
  network: Network;
  /** Clocks that can be moved; only those that the run's faults asked for. */
  clocks: Clocks;
  /** Disks that can be full; only those that the run's faults asked for. */
  disks: Disks;
  /** The second Postgres; only when the run's faults asked for it. */
  standby: Standby | undefined;
  /** How long a fault that lasts lasts, in milliseconds. */
  lastsMs: number;
  /** The fault is over from now on, though its turn is not. Without it, it is over when `run` resolves. */
  healed: () => void;
  /** Tells the terminal. */
  say: (text: string) => void;
}

/** What a mesh has besides the usual. */
export interface MeshEngines {
  /** How many brokers; one unless given. */
  brokers?: number;
  /** A synchronous standby of Postgres. */
  standby?: boolean;
}

/** Whether a fault has bitten, by what was measured while it lasted. */
export interface Bite {
  bit: boolean;
  proof: string;
  /** What the product did that it must not, where no client could see it. */
  breach?: Breach | undefined;
}

/** A fault of the matrix in docs/guarantees.md. */
export interface Fault {
  id: string;
  title: string;
  /** A restart in good order, to which I14 applies. */
  graceful?: boolean;
  /** How many records may be in the topic twice on its account, at most; none when left out. */
  recordsTwice?: number;
  /** It needs a mesh of its own, which has these, and is no part of `all`. */
  engines?: MeshEngines;
  /** It cannot be undone: it has one turn, the last. */
  forGood?: boolean;
  /** The wires that it needs proxies on. */
  wires?: readonly WireName[];
  /** The services whose first process needs a clock that can be moved. */
  clocks?: readonly MeshName[];
  /** Who needs a disk that can be full. */
  disks?: readonly DiskOwner[];
  /** Why it cannot be had on this machine; undefined when it can. */
  unavailable?: () => string | undefined;
  /** Injects it, lets it last, heals it. Resolves when what it was done to is back. */
  run(field: Field): Promise<Bite>;
}

/** A relay that goes before it knows what Kafka has leaves at most so many records that are sent again: one batch. */
export const RELAY_BATCH = 1_000;

/** What is on its way when a wire is closed is through by then. */
export const ON_ITS_WAY_MS = 500;

/** Calls of sends that wait for an answer right now. */
export function inFlight({ cast }: Field, transport?: string): number {
  const meant = cast.devices.filter((device) => !transport || device.transport === transport);
  return meant.reduce((sum, device) => sum + device.inFlight.size, 0);
}

/** Calls of sends that have waited for so long already, in milliseconds. */
export function waitingFor({ cast, journal }: Field, ms: number): number {
  const since = journal.now() - ms;
  return cast.devices.reduce((sum, { inFlight }) => sum + [...inFlight].filter(({ from }) => from <= since).length, 0);
}

/** How many calls of sends have ended without an answer since a moment of the journal's clock. */
export function cutSince({ cast }: Field, at: number): number {
  return cast.devices.reduce((sum, device) => sum + device.cut.filter((attempt) => attempt.to >= at).length, 0);
}

/** How many streams have ended so far. */
export function streamsLost({ cast }: Field): number {
  return cast.devices.reduce((sum, device) => sum + device.streamsLost, 0);
}

/** Committed and not yet published; 0 while nobody can tell. */
export function backlogOf({ watch }: Field): number {
  return watch.backlog ? watch.backlog.committed - watch.backlog.published : 0;
}

/** The greatest of what is read again and again while something is under way. */
export async function mostDuring(work: Promise<unknown>, read: () => number): Promise<number> {
  let most = read();
  const timer = setInterval(() => {
    most = Math.max(most, read());
  }, 50);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, read());
}

/** Two relays may each have a batch under way when their wire fails. */
export function recordsTwice(wires: readonly WireName[]): number {
  return wires.some((wire) => wire.startsWith('relay-')) ? 2 * RELAY_BATCH : 0;
}

/** How long a fault that lasts lasts, as it is told. */
export function seconds({ lastsMs }: Field): string {
  return `${(lastsMs / 1000).toFixed(0)} s`;
}
