import { DeliveryFactsService } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { DeliveryService as DeliveryContract } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { recordedTelemetry, until } from '@realchat/testkit';
import { createTestClient } from '@realchat/testkit/rpc-client';
import type { startIssuer } from '@realchat/testkit/token-issuer';
import type { DeliveryConfig } from '../config.ts';
import { createDeliveryService } from '../service.ts';
import { openStream, openWatch } from './stream-client.ts';

/** One delivery process of a stage. */
export type StageNode = Awaited<ReturnType<typeof startNode>>;

export async function startNode(config: DeliveryConfig, issuer: Awaited<ReturnType<typeof startIssuer>>) {
  let telemetry = recordedTelemetry();
  let service = createDeliveryService(config, telemetry);
  let running = false;
  const ops = (path: string) => fetch(`http://127.0.0.1:${service.ports.ops}${path}`);
  const counted = async (name: string, labels = '') => {
    const text = await (await ops('/metrics')).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(labels));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const connected = () =>
    until('Kafka is connected', async () => (await counted('eventlog_reader_connected')) === 1, 30_000);
  const node = {
    lines: () => telemetry.lines,
    counted,
    connected,
    ops,
    /** Opens a stream of a user. */
    async open(userId: string, cursor?: Uint8Array, claims: Record<string, unknown> = {}) {
      return openStream(service.ports.grpc, await issuer.sign({ sub: userId, ...claims }), cursor);
    },
    /** Watches presence as a user. */
    async watch(userId: string, userIds: string[] = [], claims: Record<string, unknown> = {}) {
      return openWatch(service.ports.grpc, await issuer.sign({ sub: userId, ...claims }), userIds);
    },
    watchWithToken: (token: string) => openWatch(service.ports.grpc, token),
    openWithToken: (token: string) => openStream(service.ports.grpc, token),
    /** The unary calls of a user. */
    as: async (userId: string, claims: Record<string, unknown> = {}) =>
      createTestClient(DeliveryContract, service.ports.grpc, await issuer.sign({ sub: userId, ...claims })),
    /** What operations asks. */
    facts: () => createTestClient(DeliveryFactsService, service.ports.internal),
    anonymous: () => createTestClient(DeliveryContract, service.ports.grpc),
    async start() {
      if (running) return;
      running = true;
      await service.start();
      await until('it is ready', async () => (await ops('/readyz')).ok);
      await connected();
    },
    /** Stops the process, as on SIGTERM; it may be started again. */
    async stop() {
      if (!running) return;
      running = false;
      await service.stop();
      telemetry = recordedTelemetry();
      service = createDeliveryService(config, telemetry);
    },
  };
  await node.start();
  return node;
}
