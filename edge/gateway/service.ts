import { setMaxListeners } from 'node:events';
import { openIdentity } from '@realchat/identity';
import { createCallLimits, createRateLimiter, tellOtherLimits } from '@realchat/limits';
import { createRevocations } from '@realchat/revocation';
import { createCallMetrics, createGrpcServer, createTokenVerifier, openKeyCache } from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, type Telemetry, Traffic } from '@realchat/telemetry';
import { createBackends } from './backends/backends.ts';
import type { GatewayConfig } from './config.ts';
import { createRpcHandlers } from './connect/rpc-handlers.ts';
import { defaultPatience, type GatewayContext, type Patience } from './context.ts';
import { createEvents } from './events.ts';
import { createRequestListener } from './http/request-listener.ts';
import { type Listening, listenH2c, listenHttp } from './http/servers.ts';
import { createStaticFiles } from './http/static-files.ts';
import { rateLimitService } from './limits/rate-limit-service.ts';
import { type PublicService, publicServices, routesOf } from './public-services.ts';
import { createUpgrades } from './websocket/upgrade.ts';

/** Within which the clients of sockets are sent elsewhere. */
const SPREAD_MS = 3_000;
/** For what is at work. */
const GRACE_MS = 8_000;
/** Envoy waits for an answer of the limits for 50 ms. */
const LIMITS_GRACE_MS = 500;

/** The gateway's process: Connect and WebSocket outside, gRPC inside. */
export interface GatewayService extends Service {
  /** The ports that were bound. */
  readonly ports: { http: number; h2c: number; rateLimit: number; ops: number };
}

/** What a test may have otherwise. */
export interface GatewayParts {
  readonly services?: readonly PublicService[];
  readonly patience?: Partial<Patience>;
  /** How long a call waits for Redis. */
  readonly limitsTimeoutMs?: number;
}

export function createGatewayService(
  config: GatewayConfig,
  telemetry: Telemetry,
  parts: GatewayParts = {},
): GatewayService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'gateway', telemetry);
  const keys = openKeyCache(config, identity, log);
  const services = parts.services ?? publicServices(config.REALCHAT_MODE);
  const backends = createBackends(
    {
      auth: config.AUTH_ADDRESS,
      profile: config.PROFILE_ADDRESS,
      messaging: config.MESSAGING_ADDRESS,
      delivery: config.DELIVERY_ADDRESS,
      operations: config.OPERATIONS_ADDRESS,
    },
    services,
    identity,
  );
  const leaving = new AbortController();
  const stopping = new AbortController();
  const traffic = new Traffic();
  setMaxListeners(0, stopping.signal);
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const callMetrics = createCallMetrics(metrics);
  const events = createEvents(metrics, log, callMetrics);
  const limiter = createRateLimiter({
    redisUrl: config.REDIS_URL,
    commandTimeoutMs: parts.limitsTimeoutMs,
    log,
    metrics,
  });
  const limits = createCallLimits(limiter, config.RATE_LIMITS);
  const context: GatewayContext = {
    routes: routesOf(services),
    backends,
    tokens: createTokenVerifier({
      keys,
      issuer: config.TOKEN_ISSUER,
      audience: config.TOKEN_AUDIENCE,
      revoked: (sessionId) => revocations.isRevoked(sessionId),
    }),
    allowedOrigins: new Set(config.ALLOWED_ORIGINS),
    trustedHops: config.TRUSTED_HOPS,
    maxSockets: {
      all: config.MAX_SOCKETS,
      perAddress: config.MAX_SOCKETS_PER_ADDRESS,
      perUser: config.MAX_SOCKETS_PER_USER,
    },
    limits,
    limitTable: config.RATE_LIMITS,
    patience: { ...defaultPatience, ...parts.patience },
    events,
    log,
    traffic,
    leaving: leaving.signal,
    stopping: stopping.signal,
  };
  const rateLimits = createGrpcServer({
    listen: config.RATE_LIMIT_LISTEN,
    identity,
    implementations: [rateLimitService(limits)],
    log,
    metrics: callMetrics,
  });
  const files = createStaticFiles(config.WEB_ROOT, config.ALLOWED_ORIGINS);
  const listener = createRequestListener(context, createRpcHandlers(context), files);
  const upgrades = createUpgrades(context);
  revocations.onRevoked((loginId) => upgrades.sessions.endLogin(loginId));
  const edge = identity && { identity, refused: (name: string | undefined) => events.callerRefused(name) };
  let http: Listening | undefined;
  let h2c: Listening | undefined;
  let ops: OpsServer | undefined;

  const problems = async (): Promise<string[]> => [
    ...(leaving.signal.aborted ? ['stopping'] : []),
    ...(keys.ready() ? [] : ['no token keys yet']),
    ...(await backends.problems()),
  ];

  return {
    get ports() {
      return { http: http?.port ?? 0, h2c: h2c?.port ?? 0, rateLimit: rateLimits.port, ops: ops?.port ?? 0 };
    },
    async start() {
      tellOtherLimits(config.RATE_LIMITS, log);
      limiter.start();
      await Promise.all([keys.start(), revocations.start(), rateLimits.start()]);
      http = await listenHttp({ listen: config.HTTP_LISTEN, edge }, listener, upgrades);
      h2c = await listenH2c({ listen: config.H2C_LISTEN, edge }, listener);
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems });
    },
    async stop() {
      leaving.abort();
      // Envoy asks the limits of it for calls to every service: it leaves with the rest.
      await Promise.all([traffic.notice(), rateLimits.retire()]);
      stopping.abort();
      await Promise.all([upgrades.sessions.drain(SPREAD_MS, GRACE_MS), http?.stop(GRACE_MS), h2c?.stop(GRACE_MS)]);
      keys.stop();
      revocations.stop();
      identity?.stop();
      backends.close();
      await rateLimits.stop(LIMITS_GRACE_MS);
      limiter.stop();
      await ops?.stop();
    },
  };
}
