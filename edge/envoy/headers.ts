import { type EnvoyObject, extension, turnedOff } from './envoy-object.ts';
import type { EnvoyOptions } from './options.ts';

const FORGEABLE_PREFIXES = ['x-envoy-', 'x-internal-', 'x-auth-request-', 'x-authenticated-'];
const FORGED_IDENTITY = ['x-user-id', 'x-jwt-payload', 'x-remote-user', 'remote-user', 'x-forwarded-client-cert'];
const FORGED_USER = ['x-forwarded-user', 'x-forwarded-email', 'x-forwarded-groups', 'x-forwarded-preferred-username'];
const FORGED_ADDRESS = ['forwarded', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip'];
const FORGED_TARGET = ['x-forwarded-host', 'x-forwarded-port', 'x-original-url', 'x-rewrite-url'];
// What is believed of a method and of a trace is in the request line and in `traceparent`.
const FORGED_CONTEXT = ['x-http-method-override', 'tracestate', 'baggage'];

/** Headers that only our own side may set, removed before anything looks at the request. */
export function removeForgeableHeaders(options: EnvoyOptions): EnvoyObject {
  // Behind proxies of ours, these two carry what the proxies saw.
  const ofProxies = options.trustedHops > 0 ? [] : ['x-forwarded-for', 'x-forwarded-proto'];
  const forged = [FORGED_IDENTITY, FORGED_USER, FORGED_ADDRESS, FORGED_TARGET, FORGED_CONTEXT, ofProxies].flat();
  return extension(
    'envoy.http.early_header_mutation.header_mutation',
    'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
    { mutations: [...FORGEABLE_PREFIXES.map(removePrefix), ...forged.map(remove)] },
  );
}

const BROWSER_NOISE_FILTER = 'realchat.drop_browser_noise';

const NEGOTIATION = ['accept', 'accept-encoding', 'accept-language', 'cache-control', 'pragma', 'priority'];
const PAGE = ['cookie', 'dnt', 'origin', 'referer', 'save-data', 'upgrade-insecure-requests'];
const LIBRARY = ['x-grpc-web', 'x-user-agent', 'x-requested-with'];

/** A filter that drops what browsers add to a request, which would become metadata of the call. */
export function dropBrowserNoise(): EnvoyObject {
  return extension(BROWSER_NOISE_FILTER, 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: { request_mutations: [removePrefix('sec-'), ...[NEGOTIATION, PAGE, LIBRARY].flat().map(remove)] },
  });
}

/** Leaves a request as the browser made it, on routes that speak HTTP and not RPC. */
export function browserHeadersKept(): EnvoyObject {
  return turnedOff(BROWSER_NOISE_FILTER);
}

/** A filter that rids every response, Envoy's own ones too, of headers about the inside, and makes browsers strict. */
export function addSecurityHeaders({ mode }: EnvoyOptions): EnvoyObject {
  const headers: Record<string, string> = { 'x-content-type-options': 'nosniff' };
  // Not in development: a browser would refuse plain HTTP on every port of localhost from then on.
  if (mode === 'production') headers['strict-transport-security'] = 'max-age=31536000; includeSubDomains';
  return extension('realchat.security_headers', 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation', {
    mutations: {
      response_mutations: [
        removePrefix('x-envoy-'),
        ...Object.entries(headers).map(([key, value]) => ({ append: setHeader(key, value) })),
      ],
    },
  });
}

/** A header that replaces any of its name. */
export function setHeader(key: string, value: string): EnvoyObject {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
}

function remove(name: string): EnvoyObject {
  return { remove: name };
}

function removePrefix(prefix: string): EnvoyObject {
  return { remove_on_match: { key_matcher: { prefix } } };
}
