import { hostname, networkInterfaces } from 'node:os';
import { LOOPBACK_HOSTS } from './tls.ts';

const ANY = ['0.0.0.0', '::'];

/**
 * The names by which the edge is called: loopback's, and when it listens elsewhere that address, or for all addresses the
 * machine's name and each of its addresses.
 */
export function edgeHosts(listenHost: string): string[] {
  const hosts: string[] = [...LOOPBACK_HOSTS];
  if (ANY.includes(listenHost)) {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    hosts.push(hostname(), ...addresses.filter((one) => !one.internal && !one.scopeid).map((one) => one.address));
  } else {
    hosts.push(listenHost);
  }
  return [...new Set(hosts)];
}

/** The origins of the edge's own pages, for each name over both listeners. */
export function edgeOrigins(hosts: readonly string[], ports: { edgePlain: number; edgeTls: number }): string[] {
  return hosts.flatMap((host) => {
    const name = host.includes(':') ? `[${host}]` : host;
    return [new URL(`http://${name}:${ports.edgePlain}`).origin, new URL(`https://${name}:${ports.edgeTls}`).origin];
  });
}
