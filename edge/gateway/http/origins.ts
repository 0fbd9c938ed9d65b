import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request may be served, by the page that made it. CORS hides answers from foreign pages but lets their requests
 * through, so the origin is enforced here. Who sends none is no page of a browser.
 */
export function isAllowedOrigin(headers: IncomingHttpHeaders, allowed: ReadonlySet<string>): boolean {
  const { origin } = headers;
  return origin === undefined || allowed.has(origin);
}
