import { hostPort, list } from '@realchat/config';
import { z } from 'zod';

/** Settings of a process that verifies access tokens. */
export const tokenSettings = {
  JWKS_URL: list
    .pipe(z.array(z.url()).min(1))
    .describe(
      'Where auth publishes its public keys, such as http://127.0.0.1:7131/.well-known/jwks.json. Several, comma separated, are asked in turn until one answers.',
    ),
  JWKS_CACHE_FILE: z
    .string()
    .optional()
    .describe(
      'A file that keeps the public keys over restarts, so that valid tokens pass while auth is away. Unset: none.',
    ),
  TOKEN_ISSUER: z.string().default('https://auth.realchat.local').describe('The `iss` that access tokens must have.'),
  TOKEN_AUDIENCE: z.string().default('realchat').describe('The `aud` that access tokens must have.'),
};

/** Settings of a process that serves gRPC. */
export const rpcSettings = {
  ...tokenSettings,
  GRPC_LISTEN: hostPort.describe('Where the public services are served to the edge.'),
};
