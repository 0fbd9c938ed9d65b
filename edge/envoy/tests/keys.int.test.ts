import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@realchat/config';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { createTestDatabase, kafkaBrokers, redisUrl, silentTelemetry, until } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authSettings } from '../../../services/auth/config.ts';
import { migrations as authMigrations } from '../../../services/auth/db/migrations/index.ts';
import { createAuthService } from '../../../services/auth/service.ts';
import { messagingSettings } from '../../../services/messaging/config.ts';
import { migrations as messagingMigrations } from '../../../services/messaging/db/migrations/index.ts';
import { createMessagingService } from '../../../services/messaging/service.ts';
import { at } from './edge.ts';
import { readErrorFacts } from './error-facts.ts';
import { freePorts } from './free-ports.ts';
import { grpcCall, grpcClient } from './grpc-call.ts';
import { type RunningEnvoy, startEnvoy } from './start-envoy.ts';

/** The oldest that Envoy's copy of the keys may be, in seconds. */
const MAX_AGE_SECONDS = 1;
const THREE_CACHE_AGES_MS = 3 * MAX_AGE_SECONDS * 1_000;
const LIST = `/${ConversationService.typeName}/ListConversations`;
const ANYWHERE = '127.0.0.1:0';
const FORGED = { code: 16, reason: 'TOKEN_INVALID' };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'realchat-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function startAuth() {
  const service = createAuthService(
    parseConfig(authSettings, {
      GRPC_LISTEN: ANYWHERE,
      INTERNAL_LISTEN: ANYWHERE,
      JWKS_LISTEN: ANYWHERE,
      OPS_LISTEN: ANYWHERE,
      DATABASE_URL: await createTestDatabase(authMigrations),
      KAFKA_BROKERS: kafkaBrokers(),
      REDIS_URL: redisUrl(),
      SIGNING_KEY_SECRET: 'only for tests: 0123456789abcdef',
    }),
    silentTelemetry(),
  );
  await service.start();
  return service;
}

async function startMessaging(jwksPort: number, grpcPort: number, databaseUrl: string) {
  const service = createMessagingService(
    parseConfig(messagingSettings, {
      GRPC_LISTEN: `127.0.0.1:${grpcPort}`,
      INTERNAL_LISTEN: ANYWHERE,
      OPS_LISTEN: ANYWHERE,
      AUTH_INTERNAL: '127.0.0.1:9',
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl(),
      JWKS_URL: `http://127.0.0.1:${jwksPort}/.well-known/jwks.json`,
      JWKS_CACHE_FILE: join(folder, 'messaging-jwks.json'),
    }),
    silentTelemetry(),
  );
  await service.start();
  return service;
}

/** What a call through the edge with a token ends with: a code, and why. */
async function outcome({ tls, ca }: RunningEnvoy, token: string): Promise<{ code: number; reason?: string }> {
  const client = grpcClient({ port: tls.port, ca });
  const { code, details } = await grpcCall(client, LIST, new Uint8Array(), { authorization: `Bearer ${token}` });
  client.close();
  return code === 0 ? { code } : { code, reason: readErrorFacts(details).reason ?? '' };
}

/** Runs the check again and again, for three cache ages and a bit. */
async function throughout(check: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  while (performance.now() - begin < THREE_CACHE_AGES_MS + 500) await check();
}

test('valid tokens pass, and no others, while auth is gone for three cache ages and messaging and Envoy restart', async () => {
  const auth = await startAuth();
  const [messagingPort = 0] = await freePorts(1);
  const databaseUrl = await createTestDatabase(messagingMigrations);
  let messaging = await startMessaging(auth.ports.jwks, messagingPort, databaseUrl);
  const edge = {
    upstreams: {
      auth: at(auth.ports.grpc),
      profile: at(9),
      messaging: at(messagingPort),
      delivery: at(9),
      operations: at(9),
      gateway: at(9),
      gatewayH2c: at(9),
      rateLimit: at(9),
      jwks: at(auth.ports.jwks),
    },
    tokens: { issuer: 'https://auth.realchat.local', audience: 'realchat', keysMaxAgeSeconds: MAX_AGE_SECONDS },
  };
  let envoy = await startEnvoy(edge);
  const { accessToken } = await createTestClient(AuthService, auth.ports.grpc).register({
    username: 'marigold',
    password: 'seven quiet otters drum',
  });
  const forged = await forge(accessToken);
  const onlyValidTokensPass = async () => {
    expect(await outcome(envoy, accessToken)).toEqual({ code: 0 });
    expect(await outcome(envoy, forged)).toEqual(FORGED);
  };
  await until('the edge is up', async () => (await outcome(envoy, accessToken)).code === 0);
  await onlyValidTokensPass();

  await auth.stop();
  await throughout(onlyValidTokensPass);

  await messaging.stop();
  messaging = await startMessaging(auth.ports.jwks, messagingPort, databaseUrl);
  await until('messaging is taken back', async () => (await outcome(envoy, accessToken)).code === 0);
  await onlyValidTokensPass();

  await envoy.stop();
  envoy = await startEnvoy(edge);
  await until('the edge is back', async () => (await outcome(envoy, accessToken)).code === 0);
  // Envoy has no keys now: it is messaging that refuses.
  await throughout(onlyValidTokensPass);
  await envoy.stop();
  await messaging.stop();
});

/** The same claims and key id under the signature of another key. */
async function forge(token: string): Promise<string> {
  const [head = '', body = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  const { privateKey } = await generateKeyPair('ES256');
  return await new SignJWT(JSON.parse(body)).setProtectedHeader(JSON.parse(head)).sign(privateKey);
}
