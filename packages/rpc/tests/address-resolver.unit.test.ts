import type { LookupAddress } from 'node:dns';
import * as dns from 'node:dns/promises';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { targetOf } from '../address-resolver.ts';

vi.mock('node:dns/promises');
const lookup = vi.mocked(dns.lookup) as unknown as ReturnType<typeof vi.fn<(host: string) => Promise<LookupAddress[]>>>;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  lookup.mockReset();
});

/** What a channel to these addresses is told, one line for each word of the resolver. */
function resolve(...addresses: { host: string; port: number }[]) {
  const told: string[] = [];
  const [scheme = '', path = ''] = targetOf(addresses).split(/:(.*)/s);
  const resolver = grpc.experimental.createResolver(
    { scheme, path },
    (found) => {
      const written = found.ok
        ? found.value.flatMap((endpoint) => endpoint.addresses.map(grpc.experimental.subchannelAddressToString))
        : [found.error.details];
      told.push(written.join(' '));
      return true;
    },
    {},
  );
  return { told, resolver };
}

const found = (...addresses: string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

test('numbers are the instances, of either kind, and nobody is asked', async () => {
  const { told, resolver } = resolve({ host: '127.0.0.1', port: 1 }, { host: '::1', port: 2 });
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(60_000);
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual(['127.0.0.1:1 [::1]:2']);
  expect(lookup).not.toHaveBeenCalled();
});

test('a name stands for each of its addresses, of one kind', async () => {
  lookup.mockResolvedValue(found('10.0.0.1', '10.0.0.2', 'fd00::1'));
  const { told, resolver } = resolve({ host: 'messaging', port: 7301 });
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(0);
  resolver.destroy();
  expect(told).toEqual(['10.0.0.1:7301 10.0.0.2:7301']);
});

test('an instance that is added or taken away is known after 5 seconds, and no change is no word', async () => {
  lookup.mockResolvedValue(found('10.0.0.1'));
  const { told, resolver } = resolve({ host: 'messaging', port: 1 });
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(11_000);
  lookup.mockResolvedValue(found('10.0.0.2', '10.0.0.1'));
  await vi.advanceTimersByTimeAsync(5_000);
  lookup.mockResolvedValue(found('10.0.0.1', '10.0.0.2'));
  await vi.advanceTimersByTimeAsync(5_000);
  lookup.mockResolvedValue(found('10.0.0.2'));
  await vi.advanceTimersByTimeAsync(5_000);
  resolver.destroy();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual(['10.0.0.1:1', '10.0.0.2:1 10.0.0.1:1', '10.0.0.2:1']);
});

test('while names are not answered the known instances stay', async () => {
  lookup.mockResolvedValue(found('10.0.0.1'));
  const { told, resolver } = resolve({ host: 'messaging', port: 1 });
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(0);
  lookup.mockRejectedValue(new Error('EAI_AGAIN'));
  await vi.advanceTimersByTimeAsync(20_000);
  lookup.mockResolvedValue(found('10.0.0.3'));
  await vi.advanceTimersByTimeAsync(5_000);
  resolver.destroy();
  expect(told).toEqual(['10.0.0.1:1', '10.0.0.3:1']);
});

test('a name that was never answered says so, and is found once it is', async () => {
  lookup.mockRejectedValue(new Error('ENOTFOUND'));
  const { told, resolver } = resolve({ host: 'messaging', port: 1 });
  resolver.updateResolution();
  await vi.advanceTimersByTimeAsync(0);
  lookup.mockResolvedValue(found('10.0.0.1'));
  await vi.advanceTimersByTimeAsync(5_000);
  resolver.destroy();
  expect(told).toEqual(['no address behind messaging', '10.0.0.1:1']);
});
