import { createPool, isDatabaseUnavailable, type Pool } from '@realchat/db';
import { ACCOUNT_EVENTS, createEventLog, type GroupReader } from '@realchat/eventlog';
import { ProfileService as ProfileContract } from '@realchat/gen/realchat/profile/v1/profile_service';
import { openIdentity } from '@realchat/identity';
import { createRevocations } from '@realchat/revocation';
import {
  createGrpcServer,
  createTokenVerifier,
  type Implementation,
  implement,
  type KeyCache,
  openKeyCache,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { ProfileConfig } from './config.ts';
import { classifyFailure, takeAccountEvent } from './consumers/account-events.ts';
import type { ProfileContext } from './context.ts';
import { createEvents } from './events.ts';
import { batchGetProfiles } from './rpc/batch-get-profiles.ts';
import { getProfile } from './rpc/get-profile.ts';
import { searchProfiles } from './rpc/search-profiles.ts';
import { updateProfile } from './rpc/update-profile.ts';

const RETIRE_MS = 2_500;
const GRACE_MS = 5_000;

/** The profile process: profiles to the edge, made from auth's events. */
export interface ProfileService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; ops: number };
}

export function createProfileService(config: ProfileConfig, telemetry: Telemetry): ProfileService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'profile', telemetry);
  const pool = createPool({ url: config.DATABASE_URL, size: config.DATABASE_POOL_SIZE, name: 'profile', log });
  const context: ProfileContext = { pool, events: createEvents(metrics) };
  const eventLog = createEventLog({ brokers: config.KAFKA_BROKERS, clientId: config.INSTANCE_ID, log, metrics });
  const keys = openKeyCache(config, identity, log);
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const server = createGrpcServer({
    listen: config.GRPC_LISTEN,
    identity,
    implementations: [profileService(context)],
    tokens: createTokenVerifier({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      revoked: (sessionId) => revocations.isRevoked(sessionId),
    }),
    ...(config.REALCHAT_MODE === 'development' && { reflect: [...PUBLIC_SERVICES] }),
    classify,
    log,
    metrics,
  });
  let reader: GroupReader | undefined;
  let ops: OpsServer | undefined;

  return {
    get ports() {
      return { grpc: server.port, ops: ops?.port ?? 0 };
    },
    async start() {
      await Promise.all([keys.start(), revocations.start()]);
      reader = eventLog.consume({
        group: 'profile',
        topic: ACCOUNT_EVENTS.name,
        classify: classifyFailure,
        eachRecord: (record) => takeAccountEvent(context, record, log),
      });
      await server.start();
      const problems = createReadiness({ pool, keys, reader });
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems });
    },
    stop: () =>
      stopInOrder(log, [
        ['callers', RETIRE_MS, () => server.retire()],
        ['grpc', GRACE_MS + 500, () => server.stop(GRACE_MS)],
        ['event log', 5_000, () => eventLog.stop()],
        ['revocations', 100, () => revocations.stop()],
        ['keys', 1_000, () => keys.stop()],
        ['identity', 100, () => identity?.stop()],
        ['database', 2_000, () => pool.end()],
        ['ops', 1_000, () => ops?.stop()],
      ]),
  };
}

function profileService(context: ProfileContext): Implementation {
  return implement(ProfileContract, {
    getProfile: (_call, request) => getProfile(context, request),
    batchGetProfiles: (_call, request) => batchGetProfiles(context, request),
    updateProfile: (call, request) => updateProfile(context, call, request),
    searchProfiles: (_call, request) => searchProfiles(context, request),
  });
}

/**
 * Waits for the reader once, so that a start is known to be whole. Later a silent event log is no reason to stop serving
 * the profiles that are there; its gauge tells.
 */
function createReadiness({ pool, keys, reader }: { pool: Pool; keys: KeyCache; reader: GroupReader }) {
  let hasRead = false;
  return async (): Promise<string[]> => {
    hasRead ||= reader.connected;
    const problems: string[] = [];
    if (!keys.ready()) problems.push('no token keys yet');
    if (!hasRead) problems.push('the account events are not read yet');
    await pool.query('select 1').catch(() => problems.push('the database does not answer'));
    return problems;
  };
}

function classify(error: unknown): RpcError | undefined {
  return isDatabaseUnavailable(error) ? unavailable('the profiles are away; retry', error) : undefined;
}
