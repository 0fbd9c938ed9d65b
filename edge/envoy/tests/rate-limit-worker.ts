import { createCallLimits, createRateLimiter, type LimitTable } from '@realchat/limits';
import { createGrpcServer } from '@realchat/rpc';
import { silentTelemetry } from '@realchat/testkit';
import { rateLimitService } from '../../gateway/limits/rate-limit-service.ts';

// The rate limit service of a gateway, in a process of its own. Tells its port, and goes with its parent.

const { REDIS_URL = '', TABLE = '' } = process.env;
const telemetry = silentTelemetry();
const limiter = createRateLimiter({ redisUrl: REDIS_URL, commandTimeoutMs: 2_000, ...telemetry });
limiter.start();
const server = createGrpcServer({
  identity: undefined,
  listen: { host: '127.0.0.1', port: 0 },
  implementations: [rateLimitService(createCallLimits(limiter, JSON.parse(TABLE) as LimitTable))],
  ...telemetry,
});
await server.start();
process.send?.(server.port);
process.on('disconnect', () => process.exit(0));
