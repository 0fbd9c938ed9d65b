import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inEvery } from './instances.ts';
import { defaultPorts, isFreeAt, nextFreePorts, portNames, portOf, wantedPorts } from './ports.ts';
import { privatePorts } from './private-ports.ts';

describe('the ports of development', () => {
  it('are the known ones when nobody else has them', async () => {
    const { ports, moved } = await nextFreePorts(async () => true);
    expect(ports).toEqual(defaultPorts);
    expect(moved).toEqual([]);
  });

  it('move to the next free number when one is taken, and say so', async () => {
    const { ports, moved } = await nextFreePorts(async (port) => port !== 8080 && port !== 8081);
    expect(ports.edgePlain).toBe(8082);
    expect(moved).toEqual([{ name: 'edgePlain', from: 8080, to: 8082 }]);
  });

  it('never move onto a number that another part has or will have', async () => {
    const { ports } = await nextFreePorts(async (port) => port !== 7501 && port !== 19_092);
    expect(ports.gatewayHttp).toBe(7503);
    expect(new Set(Object.values(ports)).size).toBe(portNames.length);
  });

  it('are refused with a way out when everything near is taken', async () => {
    await expect(nextFreePorts(async () => false)).rejects.toMatchObject({ wayOut: expect.any(String) });
  });
});

describe('the ports of further instances', () => {
  it('are 1000 higher each, and those of the engines and the edge are there once', async () => {
    const { ports, moved } = await nextFreePorts(async () => true, { messaging: 3, delivery: 2 });
    expect([1, 2, 3].map((number) => portOf(ports, 'messagingGrpc', number))).toEqual([7301, 8301, 9301]);
    expect(portOf(ports, 'kafkaDelivery', 2)).toBe(20_096);
    expect(() => portOf(ports, 'authGrpc', 2)).toThrow('there is no port authGrpc of instance 2');
    expect(moved).toEqual([]);
    expect(
      Object.keys(ports)
        .filter((name) => name.includes('@'))
        .toSorted(),
    ).toEqual(
      [
        'deliveryGrpc@2',
        'deliveryInternal@2',
        'deliveryOps@2',
        'kafkaDelivery@2',
        ...[2, 3].flatMap(ofMessaging),
      ].toSorted(),
    );
  });

  it('collide with none', () => {
    for (const count of [2, 3, 9]) {
      const ports = [...wantedPorts(inEvery(count)).values()];
      expect(new Set(ports).size).toBe(ports.length);
    }
  });

  const ofMessaging = (number: number) => ['Grpc', 'Internal', 'Ops'].map((name) => `messaging${name}@${number}`);
});

describe('whether a port is free', () => {
  it('is asked of every address, and an address that the machine does not have says nothing', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    expect(await isFreeAt(['127.0.0.1'], port)).toBe(false);
    expect(await isFreeAt(['192.0.2.1', '127.0.0.1'], port)).toBe(false);
    expect(await isFreeAt(['192.0.2.1'], port)).toBe(true);
  });
});

describe('private ports', () => {
  it('are below those that Linux gives to outgoing connections, and two stacks share none', async () => {
    const [one, other] = await Promise.all([privatePorts(), privatePorts()]);
    onTestFinished(() => {
      one.release();
      other.release();
    });
    const all = [...Object.values(one.ports), ...Object.values(other.ports)];
    expect(new Set(all).size).toBe(2 * portNames.length);
    expect(Math.max(...all)).toBeLessThan(32_768);
    const twos = await privatePorts(inEvery(3));
    onTestFinished(twos.release);
    expect(new Set(Object.values(twos.ports)).size).toBe(wantedPorts(inEvery(3)).size);
  });
});
