import { join } from 'node:path';
import { createStack, type MeshName, meshNames, type Progress, type StackOverrides } from '@realchat/stack';
import { Accounts } from './accounts.ts';
import { connectDatabase, databaseSettings, walBytes } from './database.ts';
import type { System } from './target.ts';

/** What differs from `npm start`, so that the load is not what the limits are there against. */
const raisedLimits: Partial<Record<MeshName, Record<string, string>>> = {
  auth: { RATE_LIMITS: '{"*": 1000}' },
  gateway: { RATE_LIMITS: '{"*": 1000}', MAX_SOCKETS_PER_ADDRESS: '100000' },
};

export interface RealChatOptions {
  folder: string;
  pairs: number;
  progress: Progress;
  /** Where each process of the mesh leaves a profile of its processor time when it stops. */
  profiles?: string | undefined;
}

/** The whole mesh as `npm start` runs it, on ports of its own, behind Envoy's plain listener. */
export async function startRealChat({ folder, pairs, progress, profiles }: RealChatOptions): Promise<System> {
  const overrides: StackOverrides = { env: profiles ? profiled(profiles) : raisedLimits };
  const stack = await createStack({ dataDir: folder, ports: 'private', overrides, progress });
  try {
    await stack.start();
    const accounts = new Accounts(stack.addresses.plain);
    await progress.step(`registering ${pairs * 2} users`, () => accounts.register(pairs));
    const database = await connectDatabase(stack);
    const { host } = new URL(stack.addresses.plain);
    return {
      roots: () => new Map([...stack.processes].map(([name, { pid }]) => [name, pid ?? -1])),
      address: (client) => (client === 'grpc' ? host : `ws://${host}/ws`),
      pairs: () => accounts.pairs(),
      walBytes: () => walBytes(database),
      settings: async () => ({
        edge: 'Envoy, plain listener, tokens verified',
        'log level': stack.environment('messaging')['LOG_LEVEL'] ?? 'info',
        ...Object.assign({}, ...Object.values(raisedLimits)),
        ...(await databaseSettings(database)),
      }),
      stop: async () => {
        await database.end();
        await stack.stop();
      },
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function profiled(folder: string): NonNullable<StackOverrides['env']> {
  return Object.fromEntries(
    meshNames.map((name) => {
      const options = `--cpu-prof --cpu-prof-dir=${join(folder, name)}`;
      return [name, { ...raisedLimits[name], NODE_OPTIONS: options }];
    }),
  );
}
