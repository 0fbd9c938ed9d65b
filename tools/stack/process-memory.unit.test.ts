import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENVOY_ENVIRONMENT } from '../../edge/envoy/render.ts';
import { repositoryRoot } from './paths.ts';
import { NATIVE_MEMORY, YOUNG_GENERATION } from './process-memory.ts';

test('images handle memory as the launcher’s processes do', async () => {
  const dockerfile = await readFile(join(repositoryRoot, 'Dockerfile'), 'utf8');

  const settings = Object.entries({ NODE_OPTIONS: YOUNG_GENERATION, ...NATIVE_MEMORY });
  for (const [name, value] of settings) expect(dockerfile).toContain(`ENV ${name}=${value}\n`);
});

test('compose runs Envoy as the launcher does', async () => {
  const compose = await readFile(join(repositoryRoot, 'docker-compose.yml'), 'utf8');

  for (const [name, value] of Object.entries(ENVOY_ENVIRONMENT)) expect(compose).toContain(`{ ${name}: "${value}" }`);
});
