import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONVERSATION_EVENTS, createEventLog } from '@realchat/eventlog';
import { createTelemetry } from '@realchat/telemetry';
import { expect, it, onTestFinished } from 'vitest';
import { createStack } from './stack.ts';

/** Passes connections on to a port of this machine, until it is cut. */
async function startProxy(target: number): Promise<{ port: number; cut: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => [near, far].map((one) => one.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, cut };
}

/** How many partitions a process of the mesh sees, at the brokers that it is told of. */
async function partitionsSeen(environment: Record<string, string>): Promise<number> {
  const { log, metrics } = createTelemetry({ service: 'test', instance: 'test', level: 'error' });
  const brokers = [new URL(`tcp://${environment['KAFKA_BROKERS']}`)].map((url) => {
    return { host: url.hostname, port: Number(url.port) };
  });
  const eventLog = createEventLog({ brokers, clientId: 'test', log, metrics });
  try {
    return (await eventLog.offsets(CONVERSATION_EVENTS.name)).length;
  } finally {
    await eventLog.stop();
  }
}

it('a proxy before the listener of one client cuts that client off from Kafka, and no other', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'realchat-stack-'));
  let cut = () => undefined as void;
  const stack = await createStack({
    dataDir,
    ports: 'private',
    parts: ['kafka'],
    overrides: async (ports) => {
      const proxy = await startProxy(ports.kafkaDelivery);
      cut = proxy.cut;
      return { kafka: { advertised: { DELIVERY: `127.0.0.1:${proxy.port}` } } };
    },
  });
  onTestFinished(async () => {
    cut();
    await stack.stop();
    await rm(dataDir, { recursive: true });
  });
  await stack.start();
  expect(await partitionsSeen(stack.environment('delivery'))).toBe(16);
  cut();
  await expect(partitionsSeen(stack.environment('delivery'))).rejects.toThrow();
  expect(await partitionsSeen(stack.environment('relay'))).toBe(16);
});
