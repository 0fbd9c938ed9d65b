import { hostPort, inProduction, mustBeRandom } from '@realchat/config';
import { databaseSettings } from '@realchat/db';
import { eventLogSettings } from '@realchat/eventlog';
import { identitySettings } from '@realchat/identity';
import { rateLimitSettings } from '@realchat/limits/settings';
import { redisSettings } from '@realchat/redis';
import { ACCESS_TOKEN_MAX_SECONDS, rpcSettings, tokenSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import { z } from 'zod';

/** Settings of the auth process. */
export const authSettings = {
  ...telemetrySettings,
  ...databaseSettings,
  ...eventLogSettings,
  ...redisSettings,
  ...identitySettings,
  ...rateLimitSettings,
  GRPC_LISTEN: rpcSettings.GRPC_LISTEN,
  TOKEN_ISSUER: tokenSettings.TOKEN_ISSUER,
  TOKEN_AUDIENCE: tokenSettings.TOKEN_AUDIENCE,
  INTERNAL_LISTEN: hostPort.describe('Where AccountService is served to the mesh; never routed by the edge.'),
  JWKS_LISTEN: hostPort.describe('Where the public keys are served to the mesh over HTTP, at /.well-known/jwks.json.'),
  SIGNING_KEY_SECRET: inProduction(z.string().min(32), mustBeRandom)
    .describe(
      'At least 32 random characters, the same for all instances. Seals the signing keys in the database: with another secret they cannot be opened.',
    )
    .meta({ secret: true }),
  KEY_ROTATION_DAYS: z.coerce
    .number()
    .min(1)
    .max(365)
    .default(30)
    .describe('How long a key signs access tokens before the next one does.'),
  ACCESS_TOKEN_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(ACCESS_TOKEN_MAX_SECONDS)
    .default(300)
    .describe('How long an access token lives.'),
  LOGIN_QUEUE_SIZE: z.coerce
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('How many password hashes may wait for their turn; beyond it, logins and registrations are refused.'),
};

export type AuthConfig = z.infer<z.ZodObject<typeof authSettings>>;
