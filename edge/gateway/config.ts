import { hostPort, hostPorts, inProduction, list, mustBeSecureOrigins } from '@realchat/config';
import { identitySettings } from '@realchat/identity';
import { rateLimitSettings } from '@realchat/limits/settings';
import { redisSettings } from '@realchat/redis';
import { tokenSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import { z } from 'zod';

/** Settings of the gateway. */
export const gatewaySettings = {
  ...telemetrySettings,
  ...tokenSettings,
  ...redisSettings,
  ...identitySettings,
  ...rateLimitSettings,
  HTTP_LISTEN: hostPort.describe('Where WebSockets, static files and RPCs over HTTP/1.1 are served to the edge.'),
  H2C_LISTEN: hostPort.describe(
    'Where RPCs over HTTP/2 are served to the edge; in plain text only without TLS in the mesh.',
  ),
  RATE_LIMIT_LISTEN: hostPort.describe(
    "Where Envoy's rate limit service is served; for Envoy alone, never routed by the edge.",
  ),
  AUTH_ADDRESS: hostPorts.describe(
    "Auth's public gRPC listeners, comma separated; a name stands for each address that it has.",
  ),
  PROFILE_ADDRESS: hostPorts.describe(
    "Profile's public gRPC listeners, comma separated; a name stands for each address that it has.",
  ),
  MESSAGING_ADDRESS: hostPorts.describe(
    "Messaging's public gRPC listeners, comma separated; a name stands for each address that it has.",
  ),
  DELIVERY_ADDRESS: hostPorts.describe(
    "Delivery's public gRPC listeners, comma separated; a name stands for each address that it has.",
  ),
  OPERATIONS_ADDRESS: hostPorts.describe(
    "Operations' public gRPC listeners, comma separated; a name stands for each address that it has.",
  ),
  ALLOWED_ORIGINS: inProduction(list.default([]), mustBeSecureOrigins).describe(
    'The origins whose pages may call, comma separated, each as a browser sends it: scheme://host[:port].',
  ),
  TRUSTED_HOPS: z.coerce
    .number()
    .int()
    .min(0)
    .max(8)
    .default(0)
    .describe(
      'How many proxies of ours stand in front: that many entries of X-Forwarded-For, from its end, are believed.',
    ),
  WEB_ROOT: z
    .string()
    .optional()
    .describe("The folder of the web client's files, served at /. Unset: none are served."),
  MAX_SOCKETS: z.coerce.number().int().min(1).default(20_000).describe('The most WebSockets that are open at a time.'),
  MAX_SOCKETS_PER_ADDRESS: z.coerce
    .number()
    .int()
    .min(1)
    .default(1_000)
    .describe('The most WebSockets that one client address (of IPv6 a whole /64) has open; a further one is refused.'),
  MAX_SOCKETS_PER_USER: z.coerce
    .number()
    .int()
    .min(1)
    .default(20)
    .describe('The most WebSockets that one user has open; a further one is closed with 1008.'),
};

export type GatewayConfig = z.infer<z.ZodObject<typeof gatewaySettings>>;
