import type { Instances, StackOptions } from '@realchat/stack';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Mesh, startMesh } from './start-mesh.ts';

export type { Mesh } from './start-mesh.ts';

/**
 * A mesh for a whole test file, started before its first test and stopped after its last. Its logs are kept for a look when
 * a test failed. One process of each service runs unless `instances` says otherwise. Answers how to get at it once the tests run.
 */
export function useMesh(overrides: StackOptions['overrides'] = {}, instances: Instances = {}): () => Mesh {
  let mesh: Mesh | undefined;
  let failed = false;
  beforeAll(async () => {
    mesh = await startMesh(overrides, instances);
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => mesh?.stop(failed));
  return () => {
    if (!mesh) throw new Error('the mesh is not started yet');
    return mesh;
  };
}
