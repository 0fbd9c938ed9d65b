import { parseConfig } from '@realchat/config';
import { createPool, type Pool } from '@realchat/db';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import {
  createTestDatabase,
  createTestEventLog,
  silentTelemetry,
  startKafka,
  startValkey,
  type TestKafka,
  type TestValkey,
  until,
} from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { decodeJwt } from 'jose';
import { gatewaySettings } from '../../edge/gateway/config.ts';
import { createGatewayService } from '../../edge/gateway/service.ts';
import { type RawClient, rawClient } from '../../edge/gateway/tests/raw-client.ts';
import { authSettings } from '../../services/auth/config.ts';
import { migrations as authMigrations } from '../../services/auth/db/migrations/index.ts';
import { createAuthService } from '../../services/auth/service.ts';
import { deliverySettings } from '../../services/delivery/config.ts';
import { migrations as deliveryMigrations } from '../../services/delivery/db/migrations/index.ts';
import { createDeliveryService } from '../../services/delivery/service.ts';
import { openStream, type Stream } from '../../services/delivery/tests/stream-client.ts';
import { messagingSettings } from '../../services/messaging/config.ts';
import { migrations as messagingMigrations } from '../../services/messaging/db/migrations/index.ts';
import { createMessagingService } from '../../services/messaging/service.ts';
import { profileSettings } from '../../services/profile/config.ts';
import { migrations as profileMigrations } from '../../services/profile/db/migrations/index.ts';
import { createProfileService } from '../../services/profile/service.ts';

export const PASSWORD = 'seven quiet otters drum';
export const NEW_PASSWORD = 'nine brave herons sing';

/** One login of a user: tokens, calls, and what can be held open with them. */
export interface Login {
  userId: string;
  sessionId: string;
  accessToken: string;
  refreshToken: string;
  auth: TestClient<typeof AuthService>;
  conversations: TestClient<typeof ConversationService>;
  profiles: TestClient<typeof ProfileService>;
  /** A stream of events, straight from delivery. */
  openStream(): Stream;
  /** A socket of the gateway. */
  openSocket(): Promise<RawClient>;
}

/** Every service and the gateway, each in its own right, on a Kafka and a Valkey of their own. */
export interface SessionsMesh {
  valkey: TestValkey;
  kafka: TestKafka;
  authDb: Pool;
  anonymous: TestClient<typeof AuthService>;
  register(username: string): Promise<Login>;
  login(username: string, password?: string): Promise<Login>;
  /** From the tokens of an answer. */
  toLogin(answer: { userId: string; accessToken: string; refreshToken: string }): Login;
  webSocketUrl: string;
  /** Starts another messaging process, as a restart does, and gives its calls with a token. */
  anotherMessaging(accessToken: string): Promise<TestClient<typeof ConversationService>>;
  stop(): Promise<void>;
}

const ANYWHERE = '127.0.0.1:0';
const at = (port: number) => `127.0.0.1:${port}`;

export async function startSessionsMesh(): Promise<SessionsMesh> {
  const [kafka, valkey] = await Promise.all([startKafka(), startValkey()]);
  const eventLog = await createTestEventLog(kafka.broker);
  const [authUrl, profileUrl, messagingUrl, deliveryUrl] = await Promise.all(
    [authMigrations, profileMigrations, messagingMigrations, deliveryMigrations].map((each) =>
      createTestDatabase(each),
    ),
  );
  const stops: (() => Promise<void>)[] = [];
  const running = async <S extends { start(): Promise<void>; stop(): Promise<void> }>(service: S): Promise<S> => {
    await service.start();
    stops.push(() => service.stop());
    return service;
  };
  const common = { REDIS_URL: valkey.url, KAFKA_BROKERS: kafka.broker, OPS_LISTEN: ANYWHERE, GRPC_LISTEN: ANYWHERE };

  const auth = await running(
    createAuthService(
      parseConfig(authSettings, {
        ...common,
        INTERNAL_LISTEN: ANYWHERE,
        JWKS_LISTEN: ANYWHERE,
        DATABASE_URL: authUrl,
        SIGNING_KEY_SECRET: 'only for tests: 0123456789abcdef',
        INSTANCE_ID: 'auth-1',
      }),
      silentTelemetry(),
    ),
  );
  const verifying = { ...common, JWKS_URL: `http://${at(auth.ports.jwks)}/.well-known/jwks.json` };
  const messagingConfig = parseConfig(messagingSettings, {
    ...verifying,
    INTERNAL_LISTEN: ANYWHERE,
    AUTH_INTERNAL: at(auth.ports.internal),
    DATABASE_URL: messagingUrl,
  });
  const messaging = await running(createMessagingService(messagingConfig, silentTelemetry()));
  const profile = await running(
    createProfileService(parseConfig(profileSettings, { ...verifying, DATABASE_URL: profileUrl }), silentTelemetry()),
  );
  const delivery = await running(
    createDeliveryService(
      parseConfig(deliverySettings, {
        ...verifying,
        INTERNAL_LISTEN: ANYWHERE,
        MESSAGING_INTERNAL: at(messaging.ports.internal),
        DATABASE_URL: deliveryUrl,
        CURSOR_SECRET: 'a secret for tests, long enough for them',
        INSTANCE_ID: 'delivery-1',
      }),
      silentTelemetry(),
    ),
  );
  const gateway = await running(
    createGatewayService(
      parseConfig(gatewaySettings, {
        ...verifying,
        HTTP_LISTEN: ANYWHERE,
        H2C_LISTEN: ANYWHERE,
        RATE_LIMIT_LISTEN: ANYWHERE,
        AUTH_ADDRESS: at(auth.ports.grpc),
        PROFILE_ADDRESS: at(profile.ports.grpc),
        MESSAGING_ADDRESS: at(messaging.ports.grpc),
        DELIVERY_ADDRESS: at(delivery.ports.grpc),
        // Nobody calls it here.
        OPERATIONS_ADDRESS: '127.0.0.1:9',
      }),
      silentTelemetry(),
    ),
  );
  const webSocketUrl = `ws://${at(gateway.ports.http)}/ws`;
  await until('delivery is ready', async () => (await fetch(`http://${at(delivery.ports.ops)}/readyz`)).ok, 30_000);
  await until('profile is ready', async () => (await fetch(`http://${at(profile.ports.ops)}/readyz`)).ok, 30_000);

  const anonymous = createTestClient(AuthService, auth.ports.grpc);
  const authDb = createPool({ url: authUrl as string, size: 2, name: 'test', log: silentTelemetry().log });
  const toLogin: SessionsMesh['toLogin'] = ({ userId, accessToken, refreshToken }) => ({
    userId,
    accessToken,
    refreshToken,
    sessionId: decodeJwt(accessToken)['sid'] as string,
    auth: createTestClient(AuthService, auth.ports.grpc, accessToken),
    conversations: createTestClient(ConversationService, messaging.ports.grpc, accessToken),
    profiles: createTestClient(ProfileService, profile.ports.grpc, accessToken),
    openStream: () => openStream(delivery.ports.grpc, accessToken),
    async openSocket() {
      const client = await rawClient(webSocketUrl);
      await client.hello(accessToken);
      return client;
    },
  });
  return {
    valkey,
    kafka,
    authDb,
    anonymous,
    webSocketUrl,
    toLogin,
    register: async (username) => toLogin(await anonymous.register({ username, password: PASSWORD })),
    login: async (username, password = PASSWORD) => toLogin(await anonymous.login({ username, password })),
    async anotherMessaging(accessToken) {
      const another = await running(createMessagingService(messagingConfig, silentTelemetry()));
      return createTestClient(ConversationService, another.ports.grpc, accessToken);
    },
    async stop() {
      await authDb.end();
      for (const stop of stops.toReversed()) await stop();
      await eventLog.stop();
      await Promise.all([kafka.stop(), valkey.stop()]);
    },
  };
}
