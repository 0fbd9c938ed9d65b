import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address of the client as the outermost proxy of ours saw it. Each proxy appends its peer to X-Forwarded-For, so only
 * as many entries from its end are believed as there are proxies of ours; what stands before them anyone could write.
 */
export function clientAddress(headers: IncomingHttpHeaders, peer: string | undefined, trustedHops: number): string {
  const header = headers['x-forwarded-for'];
  const entries = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((entry) => entry.trim());
  const seen = trustedHops > 0 ? entries.at(-trustedHops) : undefined;
  return seen !== undefined && isIP(seen) !== 0 ? seen : (peer ?? 'unknown');
}
