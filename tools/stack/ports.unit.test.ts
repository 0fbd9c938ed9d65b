import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultPorts, isFreeAt, nextFreePorts, portNames } from './ports.ts';
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
  });
});
