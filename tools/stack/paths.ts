import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, without a trailing slash. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Where `npm start` keeps its data between runs. */
export const defaultDataDirectory = join(repositoryRoot, '.realchat');

/** One folder for the engines of all clones, by name and version. */
export function engineCache(): string {
  return join(cache(), 'engines');
}

/** Where Node keeps what it compiled: a process of the mesh starts in half the time when it is warm. */
export function compileCache(): string {
  return join(cache(), 'compiled');
}

function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'realchat');
}

/** The folders of one stack under its data folder. */
export function stackPaths(dataDirectory: string) {
  return {
    data: dataDirectory,
    /** Who runs: the launcher's lock and one file per process. */
    run: join(dataDirectory, 'run'),
    logs: join(dataDirectory, 'logs'),
    tls: join(dataDirectory, 'tls'),
    /** Of the mesh: its authority, and a folder for each process. */
    meshTls: join(dataDirectory, 'tls', 'mesh'),
    secrets: join(dataDirectory, 'secrets.json'),
    state: join(dataDirectory, 'state.json'),
    postgres: join(dataDirectory, 'postgres'),
    valkey: join(dataDirectory, 'valkey'),
    kafka: join(dataDirectory, 'kafka'),
    envoy: join(dataDirectory, 'envoy'),
    /** Small files that services keep for themselves, such as the cache of public keys. */
    services: join(dataDirectory, 'services'),
  };
}

export type StackPaths = ReturnType<typeof stackPaths>;
