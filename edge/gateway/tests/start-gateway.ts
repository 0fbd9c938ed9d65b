import { create } from '@bufbuild/protobuf';
import { parseConfig } from '@realchat/config';
import { Code } from '@realchat/gen/google/rpc/code';
import { AuthService } from '@realchat/gen/realchat/auth/v1/auth_service';
import { ProfileSchema } from '@realchat/gen/realchat/profile/v1/profile';
import { ProfileService } from '@realchat/gen/realchat/profile/v1/profile_service';
import {
  createGrpcServer,
  createKeyCache,
  createTokenVerifier,
  implement,
  PUBLIC_SERVICES,
  RpcError,
} from '@realchat/rpc';
import { recordedTelemetry, redisUrl, silentTelemetry } from '@realchat/testkit';
import { AUDIENCE, ISSUER, startIssuer } from '@realchat/testkit/token-issuer';
import { gatewaySettings } from '../config.ts';
import { publicServices } from '../public-services.ts';
import { createGatewayService, type GatewayParts } from '../service.ts';
import { startEchoBackend } from './echo-backend.ts';
import { EchoService } from './echo-service.ts';

export const ALLOWED_ORIGIN = 'https://chat.example.com';

export interface GatewayOptions extends GatewayParts {
  readonly env?: Record<string, string>;
}

/** A gateway on free ports, with services behind it that answer as the contract says, and an echo service of all kinds. */
export async function startGateway({ env = {}, ...parts }: GatewayOptions = {}) {
  const issuer = await startIssuer();
  const telemetry = recordedTelemetry();
  const keys = createKeyCache({ urls: [issuer.url], log: telemetry.log });
  await keys.start();
  const mesh = createGrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    identity: undefined,
    implementations: [authService(), profileService()],
    tokens: createTokenVerifier({ keys, issuer: ISSUER, audience: AUDIENCE }),
    reflect: [...PUBLIC_SERVICES],
    log: telemetry.log,
    metrics: silentTelemetry().metrics,
  });
  await mesh.start();
  const echo = await startEchoBackend();
  const gateway = createGatewayService(
    parseConfig(gatewaySettings, {
      REALCHAT_MODE: 'development',
      HTTP_LISTEN: '127.0.0.1:0',
      H2C_LISTEN: '127.0.0.1:0',
      OPS_LISTEN: '127.0.0.1:0',
      AUTH_ADDRESS: `127.0.0.1:${mesh.port}`,
      PROFILE_ADDRESS: `127.0.0.1:${mesh.port}`,
      MESSAGING_ADDRESS: `127.0.0.1:${mesh.port}`,
      DELIVERY_ADDRESS: `127.0.0.1:${echo.port}`,
      OPERATIONS_ADDRESS: `127.0.0.1:${mesh.port}`,
      JWKS_URL: issuer.url,
      REDIS_URL: redisUrl(),
      RATE_LIMIT_LISTEN: '127.0.0.1:0',
      TOKEN_ISSUER: ISSUER,
      TOKEN_AUDIENCE: AUDIENCE,
      ALLOWED_ORIGINS: ALLOWED_ORIGIN,
      ...env,
    }),
    telemetry,
    {
      services: [...publicServices('development'), { service: EchoService, backend: 'delivery' }],
      ...parts,
    },
  );
  await gateway.start();
  let stopped: Promise<void> | undefined;
  return {
    echo,
    issuer,
    telemetry,
    gateway,
    http: `http://127.0.0.1:${gateway.ports.http}`,
    h2c: `http://127.0.0.1:${gateway.ports.h2c}`,
    ops: `http://127.0.0.1:${gateway.ports.ops}`,
    webSocketUrl: `ws://127.0.0.1:${gateway.ports.http}/ws`,
    token: await issuer.sign(),
    stopGateway: () => (stopped ??= gateway.stop()),
    async stop() {
      await (stopped ??= gateway.stop());
      echo.stop();
      await mesh.stop(100);
      keys.stop();
      await issuer.stop();
    },
  };
}

export type StartedGateway = Awaited<ReturnType<typeof startGateway>>;

function authService() {
  return implement(AuthService, {
    register: () => Promise.resolve({ userId: 'user-1' }),
    login: (call, { username }) => Promise.resolve({ userId: username, deviceId: call.clientAddress }),
    refreshSession: () => Promise.resolve({}),
    logout: () => Promise.resolve({}),
    listSessions: () => Promise.resolve({}),
    revokeSession: () => Promise.resolve({}),
    changePassword: () => Promise.resolve({}),
  });
}

function profileService() {
  return implement(ProfileService, {
    getProfile: (call, { key }) => {
      if (key.case !== 'username') throw new RpcError(Code.NOT_FOUND, 'PROFILE_NOT_FOUND', 'there is no such profile');
      const profile = create(ProfileSchema, { userId: call.caller.userId, username: key.value });
      return Promise.resolve({ profile });
    },
    batchGetProfiles: () => Promise.resolve({}),
    updateProfile: () => Promise.resolve({}),
    searchProfiles: () => Promise.resolve({}),
  });
}
