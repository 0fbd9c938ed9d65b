import { createPool, isDatabaseUnavailable } from '@realchat/db';
import { ACCOUNT_EVENTS, createEventLog } from '@realchat/eventlog';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { AuthService as AuthContract } from '@realchat/gen/realchat/auth/v1/auth_service';
import { openIdentity } from '@realchat/identity';
import { createRateLimiter, tellOtherLimits } from '@realchat/limits';
import { createHinter, createRelay } from '@realchat/outbox';
import { createRevocations, createRevoker, HELD_MS } from '@realchat/revocation';
import {
  createCallMetrics,
  createGrpcServer,
  createTokenVerifier,
  type Implementation,
  implement,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import type { AuthConfig } from './config.ts';
import { takeAccountEvent } from './consumers/account-events.ts';
import type { AuthContext } from './context.ts';
import { listEndedSessions } from './db/live-sessions.ts';
import { purgeSessions } from './db/purge-sessions.ts';
import { type KeyTimes, keyTimes } from './domain/key-times.ts';
import { createPasswordStrength } from './domain/password-strength.ts';
import { createRefreshTokens } from './domain/refresh-token.ts';
import { createSealer } from './domain/sealed-secret.ts';
import { createEvents } from './events.ts';
import { accountSource } from './outbox/account-source.ts';
import { createPasswordHasher } from './passwords/password-hasher.ts';
import { createPasswordTries } from './passwords/password-tries.ts';
import { changePassword } from './rpc/change-password.ts';
import { findMissingAccounts } from './rpc/find-missing-accounts.ts';
import { listSessions } from './rpc/list-sessions.ts';
import { login } from './rpc/login.ts';
import { logout } from './rpc/logout.ts';
import { refreshSession } from './rpc/refresh-session.ts';
import { register } from './rpc/register.ts';
import { revokeSession } from './rpc/revoke-session.ts';
import { createAccessTokens } from './tokens/access-tokens.ts';
import { createJwksServer } from './tokens/jwks-server.ts';
import { createSigningKeys } from './tokens/signing-keys.ts';

const RETIRE_MS = 2_500;
const GRACE_MS = 5_000;
// There is no index for it, which every refresh would have to keep: a scan now and then costs less.
const PURGE_EVERY_MS = 60 * 60 * 1000;
const PURGE_ROWS = 10_000;

/** The auth process: accounts and sessions to the edge, keys to whoever verifies, account events to the log. */
export interface AuthService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; internal: number; jwks: number; ops: number };
}

/** What a test may have otherwise. */
export interface AuthParts {
  readonly keyTimes?: Partial<KeyTimes>;
  readonly strangerDelayMs?: number;
  /** How long a try of a password waits for Redis. */
  readonly limitsTimeoutMs?: number;
}

export function createAuthService(config: AuthConfig, telemetry: Telemetry, parts: AuthParts = {}): AuthService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'auth', telemetry);
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
  const keys = createSigningKeys({
    pool,
    sealer: createSealer(config.SIGNING_KEY_SECRET),
    times: { ...keyTimes(config.KEY_ROTATION_DAYS), ...parts.keyTimes },
    log,
  });
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const revoker = createRevoker({
    redisUrl: config.REDIS_URL,
    endedLately: () => listEndedSessions(pool, HELD_MS),
    log,
    metrics,
  });
  const limiter = createRateLimiter({
    redisUrl: config.REDIS_URL,
    commandTimeoutMs: parts.limitsTimeoutMs,
    log,
    metrics,
  });
  const context: AuthContext = {
    pool,
    tries: createPasswordTries({
      limiter,
      table: config.RATE_LIMITS,
      strangerDelayMs: parts.strangerDelayMs,
    }),
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
    async sessionsEnded(shard, sessionIds) {
      hinter.hint([shard]);
      await revoker.tryToRevoke(sessionIds);
    },
  };
  const shared = { identity, classify, log, metrics: createCallMetrics(metrics) };
  const edge = createGrpcServer({
    listen: config.GRPC_LISTEN,
    implementations: [authService(context)],
    tokens: createTokenVerifier({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      revoked: (sessionId) => revocations.isRevoked(sessionId),
    }),
    ...(config.REALCHAT_MODE === 'development' && { reflect: [...PUBLIC_SERVICES] }),
    ...shared,
  });
  const internal = createGrpcServer({
    listen: config.INTERNAL_LISTEN,
    implementations: [accountService(context)],
    ...shared,
  });
  const jwks = createJwksServer({ listen: config.JWKS_LISTEN, keys, identity });
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
      tellOtherLimits(config.RATE_LIMITS, log);
      limiter.start();
      await keys.start();
      relay.start();
      revoker.start();
      await revocations.start();
      eventLog.consume({
        group: 'auth',
        topic: ACCOUNT_EVENTS.name,
        eachRecord: (record) => takeAccountEvent(revoker, record),
      });
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
        ['callers', RETIRE_MS, () => Promise.all([edge.retire(), internal.retire()])],
        ['grpc', GRACE_MS + 500, () => edge.stop(GRACE_MS)],
        ['internal grpc', 1_500, () => internal.stop(1_000)],
        ['jwks', 1_000, () => jwks.stop()],
        ['purge', 100, () => clearInterval(purging)],
        ['relay', 3_000, () => relay.stop()],
        ['event log', 4_000, () => eventLog.stop()],
        ['revoker', 100, () => revoker.stop()],
        ['limits', 100, () => limiter.stop()],
        ['revocations', 100, () => revocations.stop()],
        ['hints', 500, () => hinter.stop()],
        ['keys', 500, () => keys.stop()],
        ['identity', 100, () => identity?.stop()],
        ['database', 1_000, () => pool.end()],
        ['ops', 500, () => ops?.stop()],
      ]),
  };
}

function authService(context: AuthContext): Implementation {
  return implement(AuthContract, {
    register: (call, request) => register(context, call, request),
    login: (call, request) => login(context, call, request),
    refreshSession: (call, request) => refreshSession(context, call, request),
    logout: (call, request) => logout(context, call, request),
    listSessions: (call) => listSessions(context, call),
    revokeSession: (call, request) => revokeSession(context, call, request),
    changePassword: (call, request) => changePassword(context, call, request),
  });
}

function accountService(context: AuthContext): Implementation {
  return implement(AccountService, {
    findMissingAccounts: (_call, request) => findMissingAccounts(context, request),
  });
}

function classify(error: unknown): RpcError | undefined {
  return isDatabaseUnavailable(error) ? unavailable('accounts cannot be reached; retry', error) : undefined;
}
