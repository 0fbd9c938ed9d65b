import { randomInt } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { tryLock, unlock } from './file-lock.ts';
import type { Instances } from './instances.ts';
import { isFreeAt, type Ports, wantedPorts } from './ports.ts';
import { Problem } from './problem.ts';

const FIRST = 10_240;
/** Linux gives 32768 and up to outgoing connections: a port there can be taken between the look and the use. */
const END = 32_768;
/** Room for more than three instances of every service. */
const BLOCK = 128;
const TRIES = 100;

/** Ports for a stack of its own, such as a test's, and how to give them back. */
export interface PrivatePorts {
  ports: Ports;
  release: () => void;
}

/**
 * Takes a block of neighbouring free ports. A lock file per block keeps stacks that start at the same time apart, since
 * each looks long before it listens.
 */
export async function privatePorts(instances: Instances = {}): Promise<PrivatePorts> {
  const names = [...wantedPorts(instances).keys()];
  if (names.length > BLOCK) throw new Error(`a block of ports has ${BLOCK}, and ${names.length} are wanted`);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const start = FIRST + BLOCK * randomInt((END - FIRST) / BLOCK);
    const lock = join(tmpdir(), `realchat-ports-${userInfo().uid}`, String(start));
    if (tryLock(lock)) continue;
    const entries = names.map((name, index): [string, number] => [name, start + index]);
    const free = await Promise.all(entries.map(([, port]) => isFreeAt(['127.0.0.1'], port)));
    if (free.every(Boolean)) return { ports: Object.fromEntries(entries) as Ports, release: () => unlock(lock) };
    unlock(lock);
  }
  throw new Problem('no block of free ports was found', 'end programs that listen on many ports');
}
