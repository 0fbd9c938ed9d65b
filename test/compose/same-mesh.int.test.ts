import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig, type Settings } from '@realchat/config';
import { beforeAll, describe, expect, test } from 'vitest';
import { databasesSettings, edgeSettings, meshTlsSettings, topicsSettings } from '../../tools/compose/config.ts';
import type { ComposeProject } from '../../tools/compose-check/project.ts';
import { type MeshName, meshNames } from '../../tools/stack/instances.ts';
import { meshSettings } from '../../tools/stack/mesh-settings.ts';
import { repositoryRoot } from '../../tools/stack/paths.ts';
import { defaultPorts, type PortName, portNames } from '../../tools/stack/ports.ts';
import { WITH_DOCKER } from '../../tools/stack/problem.ts';
import { allParts } from '../../tools/stack/stack-options.ts';
import { versions } from '../../tools/stack/versions.ts';
import { loadComposeFile } from './support/compose-file.ts';
import { launcherTable } from './support/mesh-table.ts';

const JOBS: Record<string, Settings> = {
  databases: databasesSettings,
  topics: topicsSettings,
  'mesh-tls': meshTlsSettings,
  'edge-files': edgeSettings,
};
const operations = readFileSync(join(repositoryRoot, 'docs', 'operations.md'), 'utf8');
const launcher = launcherTable();
const migrated = Object.values(launcher).filter(
  ({ migration }) => migration && existsSync(join(repositoryRoot, migration)),
);

let project: ComposeProject;
beforeAll(async () => {
  project = await loadComposeFile();
});

const environment = (name: string) => project.services[name]?.environment ?? {};

describe('docker-compose.yml has what npm start has', () => {
  test('the same services, and the jobs that the launcher does itself', () => {
    const jobs = [...Object.keys(JOBS), ...migrated.map(({ name }) => `${name}-migration`)];
    expect(Object.keys(project.services).sort()).toEqual([...allParts, ...jobs].sort());
  });

  test.each(meshNames)('%s: all settings that it requires, and none that it does not know', (name) => {
    expect(() => parseConfig(meshSettings[name], environment(name))).not.toThrow();
    // What the launcher tells it besides is for what is to come.
    const known = new Set([...Object.keys(meshSettings[name]), ...Object.keys(launcher[name].env)]);
    expect(Object.keys(environment(name)).filter((variable) => !known.has(variable))).toEqual([]);
  });

  test.each(meshNames)('%s: the values that the launcher gives, but for hosts and secrets', (name) => {
    expect(comparable(name, environment(name))).toEqual(comparable(name, launcher[name].env));
  });

  test.each(Object.entries(JOBS))(
    '%s: all settings that it requires, and none that it does not know',
    (name, settings) => {
      expect(() => parseConfig(settings, environment(name))).not.toThrow();
      expect(Object.keys(environment(name)).filter((variable) => !(variable in settings))).toEqual([]);
    },
  );

  test('each migration runs on the database of its service', () => {
    for (const { name, migration } of migrated) {
      const job = project.services[`${name}-migration`];
      const workspace = project.services[name]?.build?.args['WORKSPACE'] ?? '';
      expect(job?.image).toBe(project.services[name]?.image);
      expect(join(workspace, job?.command?.[0] ?? '')).toBe(migration);
      expect(job?.environment?.['DATABASE_URL']).toBe(environment(name)['DATABASE_URL']);
    }
  });

  test('each process runs from the same file', () => {
    for (const { name, entry } of Object.values(launcher)) {
      const { build, command } = project.services[name] ?? {};
      expect(join(build?.args['WORKSPACE'] ?? '', command?.[0] ?? 'main.ts')).toBe(entry);
    }
  });

  test('only ports of the launcher, and none of them as another', () => {
    const known = new Set<number>(Object.values(defaultPorts));
    const said = JSON.stringify([project.services['postgres'], project.services['valkey'], project.services['kafka']]);
    expect(said).toContain(`--port=${defaultPorts.postgres}`);
    expect(said).toContain(`port ${defaultPorts.valkey}`);
    expect(said).toContain(
      `CLIENTS://:${defaultPorts.kafkaAdmin},CONTROLLER://localhost:${defaultPorts.kafkaController}`,
    );
    for (const [name, service] of Object.entries(project.services)) {
      const values = Object.values(service.environment ?? {}).flatMap((value) => value.split(','));
      const ports = values.flatMap((value) => /:(\d{4,5})(?:\/|$)/.exec(value)?.[1] ?? []).map(Number);
      expect(
        ports.filter((port) => !known.has(port)),
        name,
      ).toEqual([]);
    }
  });
});

test('REALCHAT_INSTANCES is how many of every service of the mesh run, as it is for npm start; all else runs once', async () => {
  const replicas = ({ services }: ComposeProject) =>
    Object.fromEntries(Object.entries(services).map(([name, { deploy }]) => [name, deploy?.replicas ?? 1]));
  expect(new Set(Object.values(replicas(project)))).toEqual(new Set([1]));
  const twos = await loadComposeFile((env) => env.replace('REALCHAT_INSTANCES=1', 'REALCHAT_INSTANCES=2'));
  const inTwos = Object.entries(replicas(twos)).filter(([, count]) => count === 2);
  expect(inTwos.map(([name]) => name).toSorted()).toEqual(meshNames.toSorted());
  // None has a name or a port on this machine that only one can have.
  for (const name of meshNames) expect(twos.services[name]?.ports ?? []).toEqual([]);
});

describe('docs/operations.md says the same', () => {
  test('the way to bring it up, and so do the README and the launcher', () => {
    const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
    for (const said of [operations, readme, WITH_DOCKER]) {
      expect(said).toMatch(/node tools\/compose-env\.mjs\b[\s\S]*docker compose up\b/);
    }
  });

  test.each([...meshNames, 'Envoy' as const])('ports of %s', (name) => {
    const own = name === 'Envoy' ? portsNamed('edge') : portsNamed(name);
    expect(numbersIn(rowOf(name), /\b\d{4,5}\b/g)).toEqual(own);
  });

  test('ports of the engines', () => {
    const [postgres, valkey, ...kafka] = numbersIn(rowOf('Postgres, Valkey, Kafka'), /\b\d{5}\b/g);
    expect([postgres, valkey]).toEqual([defaultPorts.postgres, defaultPorts.valkey]);
    const all = portsNamed('kafka');
    expect(kafka).toEqual([all[0], all.at(-1)]);
  });

  test.each([
    ['Postgres', 'postgres', /^18\.\d+$/],
    ['Valkey', 'valkey', /^9\.\d+\.\d+$/],
    ['Kafka', 'kafka', /^4\.\d+\.\d+$/],
    ['Envoy', 'envoy', /^1\.\d+\.\d+$/],
  ] as const)('the version of %s, in the launcher and in the image too', (name, part, form) => {
    const version = /\d+(?:\.\d+)+/.exec(cellsOf(name, 'Version')[1] ?? '')?.[0] ?? '';
    expect(version).toMatch(form);
    expect(project.services[part]?.image).toMatch(new RegExp(`:v?${version.replaceAll('.', '\\.')}$`));
    // The launcher's is that of the package that brings the engine: 18.4.0-beta.17 brings 18.4.
    expect(`${versions[part]}.`.startsWith(`${version}.`)).toBe(true);
  });
});

/** Without what differs on purpose: hosts, passwords, secrets, and the name of the instance, which a container has by itself. */
function comparable(name: MeshName, env: Record<string, string>): Record<string, string> {
  const { INSTANCE_ID: _, ...rest } = env;
  const known = Object.entries(rest).filter(([variable]) => variable in meshSettings[name]);
  return Object.fromEntries(
    known.map(([variable, value]) => [
      variable,
      variable.endsWith('_SECRET')
        ? 'secret'
        : variable.endsWith('_FILE')
          ? 'file'
          : variable === 'ALLOWED_ORIGINS'
            ? value
            : value.replace(/:[\w-]{43}@/, ':password@').replace(/(^|[@/])[\w.]+:(\d{4,5})/g, '$1host:$2'),
    ]),
  );
}

/** The known ports of a part, ascending. */
function portsNamed(prefix: string): number[] {
  const own = (name: PortName) => name.startsWith(prefix);
  return portNames
    .filter(own)
    .map((name) => defaultPorts[name])
    .sort(ascending);
}

function rowOf(name: string): string {
  return operations.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';
}

/** The cells of a row in the table that has this column. */
function cellsOf(name: string, column: string): string[] {
  const table = operations
    .split('\n\n')
    .find((each) => each.startsWith('| ') && each.split('\n')[0]?.includes(` ${column} `));
  const row = table?.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

function numbersIn(text: string, form: RegExp): number[] {
  return [...text.matchAll(form)].map(([number]) => Number(number)).sort(ascending);
}

function ascending(one: number, other: number): number {
  return one - other;
}
