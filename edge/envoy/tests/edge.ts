import type * as grpc from '@grpc/grpc-js';
import { PUBLIC_SERVICES } from '@realchat/rpc';
import { startIssuer, type TestIssuer } from '@realchat/testkit/token-issuer';
import type { EnvoyOptions, HostPort, Upstreams } from '../render.ts';
import { type GatewayStub, startGatewayStub } from './gateway-stub.ts';
import { grpcClient } from './grpc-call.ts';
import { type ServiceStub, startServiceStub } from './service-stub.ts';
import { type RunningEnvoy, startEnvoy } from './start-envoy.ts';

/** Paths of the contract, of each kind that the edge treats in its own way. */
export const SEND_MESSAGE = '/realchat.messaging.v1.MessageService/SendMessage';
export const LIST_MESSAGES = '/realchat.messaging.v1.MessageService/ListMessages';
export const GET_PROFILE = '/realchat.profile.v1.ProfileService/GetProfile';
export const SUBSCRIBE = '/realchat.delivery.v1.DeliveryService/Subscribe';
export const LOGIN = '/realchat.auth.v1.AuthService/Login';

/** Envoy with stubs behind it: one that serves every service, one for the gateway, one for the keys. */
export interface Edge {
  envoy: RunningEnvoy;
  /** Where test clients connect: TLS. */
  target: { port: number; ca: string };
  grpc: grpc.Client;
  service: ServiceStub;
  gateway: GatewayStub;
  issuer: TestIssuer;
  /** The header of a good token. */
  authorized(): Promise<{ authorization: string }>;
  stop(): Promise<void>;
}

export async function startEdge(
  options: Omit<Partial<EnvoyOptions>, 'upstreams'> & { upstreams?: Partial<Upstreams> } = {},
): Promise<Edge> {
  const [service, gateway, issuer] = await Promise.all([
    startServiceStub(PUBLIC_SERVICES),
    startGatewayStub(),
    startIssuer(),
  ]);
  const envoy = await startEnvoy({
    ...options,
    upstreams: {
      auth: at(service.port),
      profile: at(service.port),
      messaging: at(service.port),
      delivery: at(service.port),
      operations: at(service.port),
      gateway: at(gateway.port),
      gatewayH2c: at(gateway.h2cPort),
      // Nobody is there: calls go on.
      rateLimit: at(9),
      jwks: at(portOf(issuer)),
      ...options.upstreams,
    },
  });
  const target = { port: envoy.tls.port, ca: envoy.ca };
  const client = grpcClient(target);
  return {
    envoy,
    target,
    grpc: client,
    service,
    gateway,
    issuer,
    authorized: async () => ({ authorization: `Bearer ${await issuer.sign()}` }),
    stop: async () => {
      client.close();
      await envoy.stop();
      service.kill();
      gateway.stop();
      await issuer.stop();
    },
  };
}

/** Where an issuer publishes its keys. */
export function portOf(issuer: TestIssuer): number {
  return Number(new URL(issuer.url).port);
}

/** The loopback addresses of these ports. */
export function at(...ports: number[]): HostPort[] {
  return ports.map((port) => ({ host: '127.0.0.1', port }));
}
