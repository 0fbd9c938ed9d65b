import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { HostPort } from '@realchat/config';

const { registerResolver, splitHostPort, statusOrFromError, statusOrFromValue } = grpc.experimental;
type ResolverListener = grpc.experimental.ResolverListener;
type Endpoint = grpc.experimental.Endpoint;

const SCHEME = 'realchat';
/** How old the addresses of a name may be. Without a look of our own, an instance that is added would never be called. */
const LOOK_AGAIN_MS = 5_000;

/** All addresses of a service as a target of grpc-js: numbers, names, or both; a name stands for each address that it has. */
export function targetOf(addresses: readonly HostPort[]): string {
  if (addresses.length === 0) throw new Error('a target needs an address');
  const written = addresses.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `${SCHEME}:${written.join(',')}`;
}

/** Tells a channel the addresses of its targets: at once, whenever it asks, and when a name has changed its addresses. */
class AddressResolver {
  readonly #targets: HostPort[];
  readonly #listener: ResolverListener;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopped = false;
  /** What was told last, to tell nothing twice: the balancer begins anew with each word. */
  #told: string | undefined;

  constructor(target: grpc.experimental.GrpcUri, listener: ResolverListener) {
    this.#targets = target.path.split(',').map((written) => {
      const address = splitHostPort(written);
      if (address?.port === undefined) throw new Error(`not host:port: ${JSON.stringify(written)}`);
      return { host: address.host, port: address.port };
    });
    this.#listener = listener;
  }

  static getDefaultAuthority(target: grpc.experimental.GrpcUri): string {
    return target.path.split(',')[0] ?? '';
  }

  updateResolution(): void {
    this.#stopped = false;
    void this.#look();
  }

  destroy(): void {
    this.#stopped = true;
    this.#told = undefined;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    clearTimeout(this.#timer);
    const found = await Promise.allSettled(this.#targets.map(addressesOf));
    this.#looking = false;
    if (this.#stopped) return;
    if (this.#targets.some(({ host }) => isIP(host) === 0)) {
      this.#timer = setTimeout(() => void this.#look(), LOOK_AGAIN_MS).unref();
    }
    const addresses = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    // Names that do not answer right now have not lost their instances.
    if (addresses.length > 0 && (this.#told === undefined || found.every(({ status }) => status === 'fulfilled'))) {
      this.#tell(addresses);
    } else if (this.#told === undefined) {
      const details = `no address behind ${this.#targets.map(({ host }) => host).join(', ')}`;
      const metadata = new grpc.Metadata();
      this.#listener(statusOrFromError({ code: grpc.status.UNAVAILABLE, details, metadata }), {}, null, '');
    }
  }

  #tell(addresses: HostPort[]): void {
    const written = addresses.map(({ host, port }) => `${host} ${port}`).toSorted();
    const told = written.join(',');
    if (told === this.#told) return;
    this.#told = told;
    this.#listener(statusOrFromValue(addresses.map((address): Endpoint => ({ addresses: [address] }))), {}, null, '');
  }
}

/** The addresses behind a host: itself, or each that its name has. Rejects when the name has none. */
export async function addressesOf({ host, port }: HostPort): Promise<HostPort[]> {
  if (isIP(host) !== 0) return [{ host, port }];
  const found = await lookup(host, { all: true });
  // Both kinds of address of a name are of the same instances: `localhost` is not two of them.
  const family = found[0]?.family;
  return found.filter((each) => each.family === family).map(({ address }) => ({ host: address, port }));
}

registerResolver(SCHEME, AddressResolver);
