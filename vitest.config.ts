import { defineConfig } from 'vitest/config';

const everywhere = ['packages', 'services', 'edge', 'clients', 'tools', 'test', 'bench'];
const named = (suffix: string) => everywhere.map((folder) => `${folder}/**/*.${suffix}.test.ts`);

// Three costs of a test, by its file's suffix: `unit` needs nothing, `int` a real engine or two, `e2e` the whole mesh.
export default defineConfig({
  test: {
    projects: [
      // Most of their time is waiting, and starting workers.
      { test: { name: 'unit', include: named('unit'), testTimeout: 20_000, maxWorkers: 3 } },
      {
        test: {
          name: 'int',
          include: named('int'),
          globalSetup: ['packages/testkit/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Two cores: more files at once would only make each other late.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: named('e2e'),
          testTimeout: 180_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
