import { hostPort, inProduction, list, mustBeSecureUrls, seconds } from '@realchat/config';
import { identitySettings } from '@realchat/identity';
import { z } from 'zod';

/** Settings of a process that verifies access tokens. */
export const tokenSettings = {
  JWKS_URL: inProduction(list.pipe(z.array(z.url()).min(1)), mustBeSecureUrls).describe(
    'Where auth publishes its public keys, such as https://127.0.0.1:7131/.well-known/jwks.json; http only without TLS in the mesh. Several, comma separated, are asked in turn until one answers.',
  ),
  JWKS_CACHE_FILE: z
    .string()
    .optional()
    .describe(
      'A file that keeps the public keys over restarts, so that valid tokens pass while auth is away. Unset: none.',
    ),
  JWKS_MAX_AGE_SECONDS: seconds
    .min(1)
    .default(60)
    .describe(
      'How old the public keys may be while auth answers, and so how long a key that was withdrawn is good here. When auth is away they are kept. Envoy has an age of its own, 300.',
    ),
  TOKEN_ISSUER: z.string().default('https://auth.realchat.local').describe('The `iss` that access tokens must have.'),
  TOKEN_AUDIENCE: z.string().default('realchat').describe('The `aud` that access tokens must have.'),
};

/** Settings of a process that serves gRPC. */
export const rpcSettings = {
  ...tokenSettings,
  ...identitySettings,
  GRPC_LISTEN: hostPort.describe('Where the public services are served to the edge.'),
};
