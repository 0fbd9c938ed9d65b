import { hostPorts, inProduction, list, mustBeSecureOrigins } from '@realchat/config';
import { eventLogSettings } from '@realchat/eventlog';
import { identitySettings } from '@realchat/identity';
import { rateLimitSettings } from '@realchat/limits/settings';
import { tokenSettings } from '@realchat/rpc';
import { telemetrySettings } from '@realchat/telemetry';
import { z } from 'zod';
import type { DatabaseName } from '../stack/secrets.ts';

/** A password that becomes part of an address as it is. */
const passwordOf = (name: DatabaseName) =>
  z
    .string()
    .min(16)
    .regex(/^[\w-]+$/, 'only letters, digits, - and _')
    .describe(`The password that the role of ${name} gets.`)
    .meta({ secret: true });

/** Settings of the job that makes roles and databases. */
export const databasesSettings = {
  SUPERUSER_DATABASE_URL: z
    .string()
    .min(1)
    .describe('The cluster as its superuser: postgres://postgres:password@host:port/postgres.')
    .meta({ secret: true }),
  AUTH_DATABASE_PASSWORD: passwordOf('auth'),
  PROFILE_DATABASE_PASSWORD: passwordOf('profile'),
  MESSAGING_DATABASE_PASSWORD: passwordOf('messaging'),
  DELIVERY_DATABASE_PASSWORD: passwordOf('delivery'),
  OPERATIONS_DATABASE_PASSWORD: passwordOf('operations'),
};

/** Settings of the job that makes topics. */
export const topicsSettings = eventLogSettings;

const upstream = (what: string) => hostPorts.describe(`${what}, comma separated host:port.`);

const folder = z.string().startsWith('/');

/** Settings of the job that makes the authority of the mesh and the certificates of its processes. */
export const meshTlsSettings = {
  MESH_AUTHORITY_FOLDER: folder.describe(
    'Where the authority of the mesh is kept with its key, which nobody else needs.',
  ),
  MESH_CERTIFICATE_FOLDERS: list
    .pipe(z.array(z.templateLiteral([z.string().regex(/^[a-z-]+$/), '=', folder])).min(1))
    .describe(
      'A folder for each process, comma separated name=/folder. Each gets tls.crt, tls.key and ca.crt, and is for that process alone.',
    ),
};

/** Settings of the job that writes what Envoy starts from. */
export const edgeSettings = {
  ...identitySettings,
  REALCHAT_MODE: telemetrySettings.REALCHAT_MODE,
  TOKEN_ISSUER: tokenSettings.TOKEN_ISSUER,
  TOKEN_AUDIENCE: tokenSettings.TOKEN_AUDIENCE,
  ...rateLimitSettings,
  EDGE_ORIGINS: inProduction(list.pipe(z.array(z.url({ protocol: /^https?$/ })).min(1)), mustBeSecureOrigins).describe(
    "The origins whose pages may call, the edge's own included, comma separated. Their https hosts are the names on the certificate; in production all are https.",
  ),
  EDGE_CONFIGURATION_FILE: z.string().min(1).describe("Where Envoy's configuration is written."),
  EDGE_TLS_FOLDER: z
    .string()
    .min(1)
    .describe(
      'The folder of edge.crt (the chain) and edge.key, PEM. In development they are made there, with ca.crt for clients to trust; in production they must be there.',
    ),
  EDGE_TRUSTED_HOPS: z.coerce
    .number()
    .int()
    .min(0)
    .max(8)
    .default(0)
    .describe('How many proxies of ours stand before Envoy, whose x-forwarded-for is believed.'),
  AUTH_ADDRESSES: upstream("Auth's public gRPC listeners"),
  PROFILE_ADDRESSES: upstream("Profile's public gRPC listeners"),
  MESSAGING_ADDRESSES: upstream("Messaging's public gRPC listeners"),
  DELIVERY_ADDRESSES: upstream("Delivery's public gRPC listeners"),
  OPERATIONS_ADDRESSES: upstream("Operations' public gRPC listeners"),
  GATEWAY_HTTP_ADDRESSES: upstream("The gateways' HTTP/1.1 listeners"),
  GATEWAY_H2C_ADDRESSES: upstream("The gateways' HTTP/2 listeners"),
  RATE_LIMIT_ADDRESSES: upstream("The gateways' rate limit services"),
  JWKS_ADDRESSES: upstream('Where auth publishes its public keys'),
};

export type EdgeConfig = z.infer<z.ZodObject<typeof edgeSettings>>;
