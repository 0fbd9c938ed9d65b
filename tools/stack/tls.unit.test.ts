import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edgeHosts, edgeOrigins } from './edge-hosts.ts';
import { ensureTls, LOOPBACK_HOSTS } from './tls.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const start = new Date('2026-01-01T00:00:00Z');
const after = (days: number) => new Date(start.getTime() + days * DAY_MS);

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'realchat-tls-')), 'tls');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

async function make(now: Date, hosts: readonly string[] = LOOPBACK_HOSTS) {
  const files = await ensureTls(folder, hosts, now);
  const read = (file: string) => new X509Certificate(readFileSync(file));
  return { authority: read(files.authority), server: read(files.chain), files };
}

describe("the edge's certificate", () => {
  it('is signed by the development authority, for the names of loopback', async () => {
    const { authority, server } = await make(start);
    expect(server.verify(authority.publicKey)).toBe(true);
    expect(server.checkIssued(authority)).toBe(true);
    expect(authority.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(server.checkIP('::1')).toBeDefined();
    expect(server.checkHost('example.org')).toBeUndefined();
  });

  it('is kept while it is good', async () => {
    const first = await make(start);
    const second = await make(after(300));
    expect(second.server.fingerprint256).toBe(first.server.fingerprint256);
  });

  it('is renewed within 30 days of its end, by the same authority', async () => {
    const first = await make(start);
    const second = await make(after(370));
    expect(second.server.fingerprint256).not.toBe(first.server.fingerprint256);
    expect(second.authority.fingerprint256).toBe(first.authority.fingerprint256);
  });

  it('is made anew with a new authority when that one ends', async () => {
    const first = await make(start);
    const second = await make(after(5 * 365));
    expect(second.authority.fingerprint256).not.toBe(first.authority.fingerprint256);
    expect(second.server.verify(second.authority.publicKey)).toBe(true);
  });

  it('is made anew when it lacks a name, or when its key was damaged', async () => {
    const first = await make(start);
    const second = await make(start, [...LOOPBACK_HOSTS, 'chat.local', '192.0.2.7']);
    expect(second.server.fingerprint256).not.toBe(first.server.fingerprint256);
    expect(second.server.checkIP('192.0.2.7')).toBe('192.0.2.7');
    writeFileSync(second.files.key, 'damaged');
    const third = await make(start);
    expect(third.server.fingerprint256).not.toBe(second.server.fingerprint256);
  });

  it('and its key can be read by their owner alone', async () => {
    const { files } = await make(start);
    for (const file of Object.values(files)) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});

describe('the names of the edge', () => {
  it('are those of loopback, and the address where it listens', () => {
    expect(edgeHosts('127.0.0.1')).toEqual(['localhost', '127.0.0.1', '::1']);
    expect(edgeHosts('192.0.2.7')).toEqual(['localhost', '127.0.0.1', '::1', '192.0.2.7']);
    expect(edgeHosts('0.0.0.0')).toEqual(expect.arrayContaining(['localhost']));
  });

  it('make origins as a browser writes them', () => {
    expect(edgeOrigins(['localhost', '::1'], { edgePlain: 80, edgeTls: 8443 })).toEqual([
      'http://localhost',
      'https://localhost:8443',
      'http://[::1]',
      'https://[::1]:8443',
    ]);
  });
});
