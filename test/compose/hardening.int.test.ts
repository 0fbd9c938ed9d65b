import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ComposeProject, ComposeService } from '../../tools/compose-check/project.ts';
import { meshMembers } from '../../tools/stack/mesh.ts';
import { repositoryRoot } from '../../tools/stack/paths.ts';
import { engineNames } from '../../tools/stack/stack-options.ts';
import { composeFile, loadComposeFile } from './support/compose-file.ts';

let project: ComposeProject;
beforeAll(async () => {
  project = await loadComposeFile();
});

const example = readFileSync(join(repositoryRoot, '.env.example'), 'utf8');
const text = readFileSync(composeFile, 'utf8');

const services = () => Object.entries(project.services);
const lasting = () => services().filter(([, { restart }]) => restart !== 'no');
const offenders = (isGood: (service: ComposeService) => unknown, among = services()) =>
  among.filter(([, service]) => !isGood(service)).map(([name]) => name);

describe('S-71: secrets', () => {
  const secrets = [...example.matchAll(/^(\w+)=$/gm)].map(([, name = '']) => name);

  test.each(secrets)('nothing starts without %s, and the error says how it is made', async (name) => {
    const without = loadComposeFile((env) => env.replace(new RegExp(`^${name}=.*$`, 'm'), ''));
    await expect(without).rejects.toThrow(
      `required variable ${name} is missing a value: run node tools/compose-env.mjs`,
    );
  });

  test('none has a default, and .env.example names all variables that the file has and no other', () => {
    const asked = [...text.matchAll(/(?<!\$)\$\{(\w+)(.*?)\}/g)];
    for (const [whole, name, rest] of asked) {
      if (/PASSWORD|SECRET|CLUSTER_ID/.test(name ?? '')) expect(rest, whole).toMatch(/^:\?run /);
    }
    const offered = [...example.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
    expect(new Set(asked.map(([, name]) => name))).toEqual(new Set(offered));
  });

  test('defaults are those of .env.example', () => {
    const offered = new Map([...example.matchAll(/^(\w+)=(.+)$/gm)].map(([, name, value]) => [name, value]));
    for (const [, name, value] of text.matchAll(/(?<!\$)\$\{(\w+):-(\{\}|.*?)\}/g))
      expect(value, name).toBe(offered.get(name));
  });
});

describe('S-08: certificates of the mesh', () => {
  const mounts = (name: string) =>
    (project.services[name]?.volumes ?? []).filter(({ source }) => source.startsWith('mesh-'));

  test('each process reads its own and nobody else’s, and cannot change it', () => {
    for (const name of meshMembers) {
      const seen = mounts(name).map(({ source, target, read_only: readOnly }) => [source, target, readOnly]);
      expect(seen).toEqual([[`mesh-${name}`, '/etc/realchat/mesh', true]]);
    }
    expect(mounts('relay')).toEqual([]);
  });

  test('the key of the authority is seen by the job that makes them alone, which has no network', () => {
    expect(offenders(({ volumes = [] }) => !volumes.some(({ source }) => source === 'mesh-authority'))).toEqual([
      'mesh-tls',
    ]);
    const made = (project.services['mesh-tls']?.environment?.['MESH_CERTIFICATE_FOLDERS'] ?? '').split(/,\s*/);
    expect(made).toEqual(meshMembers.map((name) => `${name}=/etc/realchat/mesh/${name}`));
    expect(Object.keys(project.services['mesh-tls']?.networks ?? {})).toEqual([]);
  });
});

describe('S-72: containers', () => {
  test('run as a user who is not root', () => {
    expect(offenders(({ user }) => /^[1-9]\d*:[1-9]\d*$/.test(user ?? ''))).toEqual([]);
  });

  test('have a read-only file system, no capability, and no way to more', () => {
    expect(offenders(({ read_only: readOnly }) => readOnly)).toEqual([]);
    expect(offenders(({ cap_drop: dropped }) => dropped?.includes('ALL'))).toEqual([]);
    expect(offenders(({ security_opt: options }) => options?.includes('no-new-privileges:true'))).toEqual([]);
    expect(offenders(({ privileged }) => !privileged)).toEqual([]);
  });

  test("can write to folders in memory that say whose they are: without, they may be root's", () => {
    const folders = services().flatMap(([, { tmpfs = [] }]) => tmpfs);
    expect(folders.length).toBeGreaterThan(0);
    expect(folders.filter((folder) => !/mode=1777|uid=\d+,gid=\d+,mode=0700/.test(folder))).toEqual([]);
  });

  test('have bounds on memory and processes', () => {
    expect(offenders(({ mem_limit: memory, pids_limit: pids }) => Number(memory) > 0 && (pids ?? 0) > 0)).toEqual([]);
  });

  test('see no file of the host but one configuration, read-only', () => {
    const binds = services().flatMap(([, { volumes = [] }]) => volumes.filter(({ type }) => type !== 'volume'));
    expect(binds.map(({ target, read_only: readOnly }) => [target, readOnly])).toEqual([
      ['/etc/realchat/log4j2.properties', true],
    ]);
  });
});

describe('S-70: networks', () => {
  test('the edge alone is published, on loopback unless told otherwise', () => {
    expect(services().flatMap(([name, { ports = [] }]) => (ports.length > 0 ? [name] : []))).toEqual(['envoy']);
    const published = project.services['envoy']?.ports ?? [];
    expect(published.map(({ host_ip: host, published: port }) => `${host}:${port}`)).toEqual([
      '127.0.0.1:8080',
      '127.0.0.1:8443',
    ]);
  });

  test('the edge alone has a way out of the machine', () => {
    const open = Object.entries(project.networks).flatMap(([name, { internal }]) => (internal ? [] : [name]));
    expect(open).toEqual(['outside']);
    expect(membersOf('outside')).toEqual(['envoy']);
    expect(offenders(({ networks, network_mode: mode }) => networks || mode === 'none')).toEqual([]);
  });

  test.each(engineNames)('%s is reached by those who are told its address, and by nobody else', (engine) => {
    const users = services().flatMap(([name, { environment = {} }]) =>
      Object.values(environment).some((value) => new RegExp(`(^|@)${engine}:\\d`).test(value)) ? [name] : [],
    );
    expect(membersOf(engine).sort()).toEqual([engine, ...users].sort());
    expect(users.length).toBeGreaterThan(1);
    expect(users).not.toContain('envoy');
  });

  const membersOf = (network: string) =>
    services().flatMap(([name, { networks = {} }]) => (network in networks ? [name] : []));
});

describe('what lasts', () => {
  test('comes back by itself, and says whether it is well', () => {
    expect(offenders(({ restart }) => restart === 'unless-stopped', lasting())).toEqual([]);
    expect(offenders(({ healthcheck }) => healthcheck && healthcheck.test.length > 1, lasting())).toEqual([]);
    expect(offenders(({ stop_grace_period: grace }) => grace, lasting())).toEqual([]);
  });

  test('starts after what it needs: tables before their service, topics before producers and readers, keys before the edge', () => {
    for (const [name, { environment = {} }] of lasting()) {
      const before = needsOf(name);
      const database = /@postgres:\d+\/(\w+)/.exec(environment['DATABASE_URL'] ?? '')?.[1];
      if (database) expect(before, name).toContain(`${database}-migration`);
      if (environment['KAFKA_BROKERS']) expect(before, name).toContain('topics');
      if (environment['REDIS_URL']) expect(before, name).toContain('valkey');
    }
    expect(needsOf('envoy')).toEqual(
      expect.arrayContaining(['edge-files', 'gateway', 'auth', 'profile', 'messaging', 'delivery', 'databases']),
    );
  });

  test('waits for jobs to have succeeded, and for services to be healthy', () => {
    for (const [name, { depends_on: needs = {} }] of services()) {
      for (const [other, { condition }] of Object.entries(needs)) {
        const job = project.services[other]?.restart === 'no';
        expect(condition, `${name} of ${other}`).toBe(job ? 'service_completed_successfully' : 'service_healthy');
      }
    }
  });
});

/** Everything that has to be there before the service starts, at one remove or more. */
function needsOf(name: string): string[] {
  const direct = Object.keys(project.services[name]?.depends_on ?? {});
  return [...new Set(direct.flatMap((other) => [other, ...needsOf(other)]))];
}
