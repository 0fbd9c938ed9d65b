import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ComposeProject } from '../../tools/compose-check/project.ts';
import { loggingProperties, serverProperties } from '../../tools/stack/engines/kafka-config.ts';
import { serverSettings } from '../../tools/stack/engines/postgres-config.ts';
import { valkeyConfiguration } from '../../tools/stack/engines/valkey.ts';
import { repositoryRoot } from '../../tools/stack/paths.ts';
import { defaultPorts } from '../../tools/stack/ports.ts';
import { loadComposeFile } from './support/compose-file.ts';

let project: ComposeProject;
beforeAll(async () => {
  project = await loadComposeFile();
});

describe('the engines of docker-compose.yml are set as those of npm start', () => {
  test('Postgres, but for where it listens and logs', () => {
    const left = ['listen_addresses', 'unix_socket_directories', 'log_destination', 'logging_collector'];
    const [, ...args] = project.services['postgres']?.command ?? [];
    const said = Object.fromEntries(args.map((arg) => pair(arg.slice('--'.length))));
    const wanted = lines(serverSettings(defaultPorts.postgres)).map((line) => pair(line.replace(/ = '(.*)'$/, '=$1')));
    expect(said).toEqual(without(Object.fromEntries(wanted), left));
  });

  test('Valkey, but for where it listens, its password, and a bound on its memory', () => {
    const said = lines(project.services['valkey']?.command?.at(-1) ?? '').slice(1, -1);
    const password = project.services['valkey']?.environment?.['VALKEY_PASSWORD'] ?? '';
    const more = ['maxmemory 192mb'];
    const wanted = lines(valkeyConfiguration({ folder: '/data', port: defaultPorts.valkey, password }))
      .filter((line) => !/^(bind|protected-mode|daemonize) /.test(line))
      .map((line) => line.replace(password, '$VALKEY_PASSWORD').replace('"/data"', '/data'));
    expect(said.sort()).toEqual([...wanted, ...more].sort());
  });

  test('Kafka, but for its listeners', () => {
    const ports = { ADMIN: 1, AUTH: 2, PROFILE: 3, MESSAGING: 4, DELIVERY: 5 };
    const listeners = [
      'listeners',
      'advertised.listeners',
      'listener.security.protocol.map',
      'inter.broker.listener.name',
      'controller.quorum.voters',
    ];
    const wanted = lines(serverProperties({ ports, controllerPort: 6 }, '/var/lib/kafka/data')).map(pair);
    const notSettings = ['heap.opts', 'jvm.performance.opts', 'log4j.opts'];
    // As the image makes names of settings from those of variables.
    const said = Object.entries(project.services['kafka']?.environment ?? {}).flatMap(([name, value]) =>
      name.startsWith('KAFKA_') ? [[name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.'), value]] : [],
    );
    expect(without(Object.fromEntries(said), [...listeners, ...notSettings])).toEqual(
      without(Object.fromEntries(wanted), listeners),
    );
  });

  test('Kafka, what it logs', () => {
    const file = project.services['kafka']?.volumes?.find(({ type }) => type === 'bind')?.source ?? '';
    expect(file).toBe(join(repositoryRoot, 'deploy', 'kafka', 'log4j2.properties'));
    expect(readFileSync(file, 'utf8')).toBe(loggingProperties());
  });
});

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean);
}

function pair(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

function without(values: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}
