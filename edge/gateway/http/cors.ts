import { cors } from '@connectrpc/connect';
import type { HttpRequest, HttpResponse } from './http-types.ts';

const ALLOWED_HEADERS = [...cors.allowedHeaders, 'authorization', 'traceparent'].join(', ');
const ALLOWED_METHODS = cors.allowedMethods.join(', ');
const EXPOSED_HEADERS = [...cors.exposedHeaders, 'retry-after'].join(', ');
const MAX_AGE_SECONDS = 7200;

/** Lets the page of an allowed origin read the answer. Nothing here works by cookie, so credentials stay off. */
export function addCorsHeaders(request: HttpRequest, response: HttpResponse): void {
  response.setHeader('vary', 'origin');
  if (request.headers.origin === undefined) return;
  response.setHeader('access-control-allow-origin', request.headers.origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
}

/** Answers a preflight of an allowed origin. */
export function answerPreflight(response: HttpResponse): void {
  response.setHeader('access-control-allow-methods', ALLOWED_METHODS);
  response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
  response.setHeader('access-control-max-age', MAX_AGE_SECONDS);
  response.statusCode = 204;
  response.end();
}
