import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClient } from '@realchat/db';
import type { ComposeService } from '../../../tools/compose-check/project.ts';
import { unprivilegedUser } from '../../../tools/stack/engines/engine-user.ts';
import { ensureEnvoy } from '../../../tools/stack/engines/envoy.ts';
import { ensureJava } from '../../../tools/stack/engines/java.ts';
import { ensureKafkaJars } from '../../../tools/stack/engines/kafka-jars.ts';
import { postgresDistribution } from '../../../tools/stack/engines/postgres-files.ts';
import { ensureValkey } from '../../../tools/stack/engines/valkey.ts';
import { silentProgress } from '../../../tools/stack/progress.ts';
import { runCommand } from '../../../tools/stack/run-command.ts';
import { environmentOf, type NativeService } from './native-service.ts';
import type { Placement } from './placement.ts';

/** What an engine's official image does around the engine, with the engine that npm start uses. */
export type EngineMaker = (service: ComposeService, placement: Placement, folder: string) => Promise<NativeService>;

export const engines: Readonly<Record<string, EngineMaker>> = { postgres, valkey, kafka, envoy };

/** The image makes a cluster with POSTGRES_INITDB_ARGS and the superuser's password, then runs the command on it. */
async function postgres(service: ComposeService, placement: Placement, folder: string): Promise<NativeService> {
  const user = await unprivilegedUser();
  const binaries = join(await postgresDistribution(user, silentProgress), 'bin');
  const env = environmentOf(service, placement);
  const data = join(placement.folderOf(mountAt(service, '/var/lib/postgresql')), 'data');
  const [, ...args] = commandOf(service, placement);
  const sockets = `--unix_socket_directories=${folder}`;
  const port = args.find((arg) => arg.startsWith('--port='))?.slice('--port='.length);
  const url = `postgres://postgres:${env['POSTGRES_PASSWORD']}@127.0.0.1:${port}/postgres`;
  return {
    command: join(binaries, 'postgres'),
    args: [...args, sockets, '-D', data],
    env,
    cwd: folder,
    ...(user && { user }),
    async prepare() {
      const passwordFile = join(folder, 'password');
      await mkdir(dirname(data), { recursive: true });
      await writeFile(passwordFile, `${env['POSTGRES_PASSWORD']}\n`);
      for (const path of [folder, dirname(data), passwordFile]) if (user) await chown(path, user.uid, user.gid);
      const access = ['--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
      const more = (env['POSTGRES_INITDB_ARGS'] ?? '').split(' ');
      await runCommand(join(binaries, 'initdb'), ['--pgdata', data, ...access, ...more], {
        env,
        cwd: folder,
        ...(user && { user }),
      });
    },
    // pg_isready is in the image and not here.
    async ready() {
      const client = createClient({ url, name: 'probe' });
      try {
        await client.connect();
        return true;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}

/** The image has valkey-server on its PATH. */
async function valkey(service: ComposeService, placement: Placement, folder: string): Promise<NativeService> {
  const binary = await ensureValkey(silentProgress);
  const env = environmentOf(service, placement);
  const [command = '', ...args] = commandOf(service, placement);
  const port = /^port (\d+)$/m.exec(args.join('\n'))?.[1];
  return {
    command,
    args,
    env: { ...env, PATH: `${dirname(binary)}:${env['PATH'] ?? ''}` },
    cwd: folder,
    prepare: async () => {
      await mkdir(placement.folderOf(mountAt(service, '/data')), { recursive: true });
    },
    // valkey-cli is in the image and not here.
    async ready() {
      const socket = connect(Number(port), '127.0.0.1');
      socket.setTimeout(2000, () => socket.destroy());
      socket.end(`AUTH ${env['VALKEY_PASSWORD']}\r\nPING\r\nQUIT\r\n`);
      return (await text(socket)).includes('+PONG');
    },
  };
}

/** The image makes server.properties of the environment and formats the storage, by Kafka's own wrapper, then starts the broker. */
async function kafka(service: ComposeService, placement: Placement, folder: string): Promise<NativeService> {
  const [java, jars] = await Promise.all([ensureJava(silentProgress), ensureKafkaJars(silentProgress)]);
  const env = environmentOf(service, placement);
  const words = (name: string) => (env[name] ?? '').split(' ').filter(Boolean);
  const run = (...main: string[]) => ['-cp', join(jars, '*'), ...main];
  const folders = { 'default-configs-dir': 'defaults', 'mounted-configs-dir': 'mounted', 'final-configs-dir': 'final' };
  return {
    command: java,
    args: [
      ...['KAFKA_HEAP_OPTS', 'KAFKA_JVM_PERFORMANCE_OPTS', 'KAFKA_LOG4J_OPTS'].flatMap(words),
      ...run('kafka.Kafka', join(folder, 'final', 'server.properties')),
    ],
    env,
    cwd: folder,
    async prepare() {
      const logging = 'Configuration:\n  Loggers:\n    Root:\n      level: INFO\n    Logger: []\n';
      for (const name of Object.values(folders)) await mkdir(join(folder, name));
      await writeFile(join(folder, 'defaults', 'server.properties'), '');
      for (const name of ['log4j2.yaml', 'tools-log4j2.yaml']) await writeFile(join(folder, 'defaults', name), logging);
      const setup = Object.entries(folders).flatMap(([option, name]) => [`--${option}`, join(folder, name)]);
      await runCommand(java, run('kafka.docker.KafkaDockerWrapper', 'setup', ...setup), { env, cwd: folder });
    },
  };
}

/** The image gives the command's options to envoy. */
async function envoy(service: ComposeService, placement: Placement, folder: string): Promise<NativeService> {
  return {
    command: await ensureEnvoy(silentProgress),
    args: commandOf(service, placement),
    env: environmentOf(service, placement),
    cwd: folder,
    // Its listeners are in a file that a job wrote, with the ports that it has in its container.
    async prepare() {
      const file = join(placement.folderOf(mountAt(service, '/var/lib/realchat')), 'envoy.json');
      await writeFile(file, placement.renumber(await readFile(file, 'utf8')));
    },
  };
}

function commandOf(service: ComposeService, placement: Placement): string[] {
  return (service.command ?? []).map((word) => placement.place(service, word));
}

function mountAt(service: ComposeService, target: string): { type: string; source: string } {
  const mount = service.volumes?.find((each) => each.target === target);
  if (!mount) throw new Error(`nothing is mounted at ${target}`);
  return mount;
}
