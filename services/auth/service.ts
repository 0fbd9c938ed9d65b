import { setTimeout as delay } from 'node:timers/promises';
import { createPool, isDatabaseUnavailable } from '@realchat/db';
import { createEventLog } from '@realchat/eventlog';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { createHinter, createRelay } from '@realchat/outbox';
import {
  createCallMetrics,
  createGrpcServer,
  type Implementation,
  implement,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { AuthConfig } from './config.ts';
import type { AuthContext } from './context.ts';
import { purgeSessions } from './db/purge-sessions.ts';
import { createPasswordStrength } from './domain/password-strength.ts';
import { createRefreshTokens } from './domain/refresh-token.ts';
import { createSealer } from './domain/sealed-secret.ts';
import { createEvents } from './events.ts';
import { accountSource } from './outbox/account-source.ts';
import { createPasswordHasher } from './passwords/password-hasher.ts';
import { findMissingAccounts } from './rpc/find-missing-accounts.ts';
import { login } from './rpc/login.ts';
import { logout } from './rpc/logout.ts';
import { refreshSession } from './rpc/refresh-session.ts';
import { register } from './rpc/register.ts';
import { createAccessTokens } from './tokens/access-tokens.ts';
import { createJwksServer } from './tokens/jwks-server.ts';
import { createSigningKeys } from './tokens/signing-keys.ts';

const DRAIN_MS = 500;
const GRACE_MS = 5_000;
// There is no index for it, which every refresh would have to keep: a scan now and then costs less.
const PURGE_EVERY_MS = 60 * 60 * 1000;
const PURGE_ROWS = 10_000;

/** The auth process: accounts and sessions to the edge, keys to whoever verifies, account events to the log. */
export interface AuthService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; internal: number; jwks: number; ops: number };
}

export function createAuthService(config: AuthConfig, { log, metrics }: Telemetry): AuthService {
  const pool = createPool({ url: config.DATABASE_URL, size: config.DATABASE_POOL_SIZE, name: 'auth', log });
  const eventLog = createEventLog({ brokers: config.KAFKA_BROKERS, clientId: config.INSTANCE_ID, log, metrics });
  const relay = createRelay({
    url: config.DATABASE_URL,
    source: accountSource,
    producer: eventLog.producer(),
    owner: config.INSTANCE_ID,
    log,
    metrics,
  });
  const hinter = createHinter({ url: config.DATABASE_URL, log });
  const keys = createSigningKeys({ pool, sealer: createSealer(config.SIGNING_KEY_SECRET), log });
  const context: AuthContext = {
    pool,
    passwords: createPasswordHasher({ maxWaiting: config.LOGIN_QUEUE_SIZE, metrics }),
    passwordStrength: createPasswordStrength(),
    accessTokens: createAccessTokens({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      lifeSeconds: config.ACCESS_TOKEN_SECONDS,
    }),
    refreshTokens: createRefreshTokens(config.SIGNING_KEY_SECRET),
    events: createEvents(metrics),
    committed: (shard) => hinter.hint([shard]),
  };
  const shared = { classify, log, metrics: createCallMetrics(metrics) };
  const edge = createGrpcServer({
    listen: config.GRPC_LISTEN,
    implementations: [authService(context)],
    ...(config.REALCHAT_MODE === 'development' && { reflect: [...PUBLIC_SERVICES] }),
    ...shared,
  });
  const internal = createGrpcServer({
    listen: config.INTERNAL_LISTEN,
    implementations: [accountService(context)],
    ...shared,
  });
  const jwks = createJwksServer({ listen: config.JWKS_LISTEN, keys });
  let ops: OpsServer | undefined;
  let purging: NodeJS.Timeout | undefined;

  const problems = async (): Promise<string[]> => {
    const found = keys.problems();
    await pool.query('select 1').catch(() => found.push('the database does not answer'));
    return found;
  };

  return {
    get ports() {
      return { grpc: edge.port, internal: internal.port, jwks: jwks.port, ops: ops?.port ?? 0 };
    },
    async start() {
      await keys.start();
      relay.start();
      await jwks.start();
      await internal.start();
      await edge.start();
      purging = setInterval(() => {
        purgeSessions(pool, PURGE_ROWS).then(
          (count) => context.events.sessionsPurged(count),
          (error: unknown) => log.warn({ err: error }, 'purge failed'),
        );
      }, PURGE_EVERY_MS);
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems });
    },
    stop: () =>
      stopInOrder(log, [
        ['readiness', 1_000, () => edge.drain()],
        ['balancers', DRAIN_MS + 500, () => delay(DRAIN_MS)],
        ['grpc', GRACE_MS + 500, () => edge.stop(GRACE_MS)],
        ['internal grpc', 1_500, () => internal.stop(1_000)],
        ['jwks', 1_000, () => jwks.stop()],
        ['purge', 100, () => clearInterval(purging)],
        ['relay', 3_000, () => relay.stop()],
        ['event log', 2_000, () => eventLog.stop()],
        ['hints', 500, () => hinter.stop()],
        ['keys', 500, () => keys.stop()],
        ['database', 1_000, () => pool.end()],
        ['ops', 500, () => ops?.stop()],
      ]),
  };
}

function authService(context: AuthContext): Implementation {
  return implement(
    AuthContract,
    {
      register: (call, request) => register(context, call, request),
      login: (call, request) => login(context, call, request),
      refreshSession: (call, request) => refreshSession(context, call, request),
      logout: (call, request) => logout(context, call, request),
    },
    { open: true },
  );
}

function accountService(context: AuthContext): Implementation {
  return implement(AccountService, {
    findMissingAccounts: (_call, request) => findMissingAccounts(context, request),
  });
}

function classify(error: unknown): RpcError | undefined {
  return isDatabaseUnavailable(error) ? unavailable('accounts cannot be reached; retry', error) : undefined;
}
