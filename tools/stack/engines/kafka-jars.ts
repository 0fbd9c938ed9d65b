import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem, WITH_DOCKER } from '../problem.ts';
import type { Progress } from '../progress.ts';
import { CommandError, runCommand } from '../run-command.ts';
import { versions } from '../versions.ts';
import { ensureInstalled } from './install.ts';

const POM = fileURLToPath(new URL('kafka-pom.xml', import.meta.url));
const HASHES = new URL('kafka-jars.sha256', import.meta.url);
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** The folder with the jars of Kafka: by Maven, each with the hash that we expect and no other jar beside them. */
export async function ensureKafkaJars(progress: Progress): Promise<string> {
  return ensureInstalled(
    {
      name: 'kafka',
      version: versions.kafka,
      label: `fetching Kafka ${versions.kafka} by Maven (45 MB)`,
      fill: async (folder) => {
        await fetchJars(folder);
        const problems = differences(parseHashes(await readFile(HASHES, 'utf8')), await hashFolder(folder));
        if (problems.length > 0) {
          throw new Problem(
            `the jars of Kafka are not the ones we know: ${problems.join(', ')}`,
            'check the Maven mirror',
          );
        }
      },
    },
    progress,
  );
}

async function fetchJars(folder: string): Promise<void> {
  try {
    await runCommand('mvn', ['--batch-mode', '--quiet', '--file', POM, COPY, `-DoutputDirectory=${folder}`]);
  } catch (error) {
    if (error instanceof CommandError) {
      throw new Problem(`Maven could not fetch Kafka: ${error.message}`, `check the network, or ${WITH_DOCKER}`);
    }
    throw new Problem('there is no Maven', `install it (Debian, Ubuntu: apt-get install maven), or ${WITH_DOCKER}`, {
      cause: error,
    });
  }
}

/** File name -> SHA-256, from lines as sha256sum writes them. */
export function parseHashes(text: string): Map<string, string> {
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map((line): [string, string] => {
        const [hash = '', name = ''] = line.split(/\s+/);
        return [name, hash];
      }),
  );
}

/** What is missing, changed or unknown, by name. */
export function differences(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const wrong = [...expected].filter(([name, hash]) => found.get(name) !== hash).map(([name]) => name);
  const unknown = [...found.keys()].filter((name) => !expected.has(name));
  return [...wrong, ...unknown].sort();
}

async function hashFolder(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const name of await readdir(folder)) {
    hashes.set(
      name,
      createHash('sha256')
        .update(await readFile(join(folder, name)))
        .digest('hex'),
    );
  }
  return hashes;
}
