import { inEvery } from '@realchat/stack';
import { type Mesh, startMesh } from '../e2e/support/start-mesh.ts';
import { type Others, startOthers } from './others.ts';

/** Two of every service, with what all scenarios need. */
export interface Arena {
  mesh: Mesh;
  others: Others;
  /** Tells how it goes on. */
  say: (text: string) => void;
  close(failed: boolean): Promise<void>;
}

/** All load comes from one address, and is not what the limits are there against. */
const RAISED = { RATE_LIMITS: '{"*": 1000}', MAX_SOCKETS_PER_ADDRESS: '100000' };
const INSTANCES = 2;

/** Starts a mesh of one's own. */
export async function openArena(say: (text: string) => void): Promise<Arena> {
  const { RATE_LIMITS } = RAISED;
  say(`starting ${INSTANCES} of every service, with ${JSON.stringify(RAISED)}`);
  const mesh = await startMesh({ env: { auth: { RATE_LIMITS }, gateway: RAISED } }, inEvery(INSTANCES));
  try {
    const others = await startOthers(mesh);
    return {
      mesh,
      others,
      say,
      async close(failed) {
        await others.close();
        await mesh.stop(failed);
      },
    };
  } catch (error) {
    await mesh.stop(true);
    throw error;
  }
}
