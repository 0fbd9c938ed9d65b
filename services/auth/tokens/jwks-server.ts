import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { HostPort } from '@realchat/config';
import type { Identity } from '@realchat/identity';
import type { SigningKeys } from './signing-keys.ts';

const JWKS_PATH = '/.well-known/jwks.json';

/** How long verifiers may keep the keys. A new key is published at least so long before it signs, in seconds. */
const JWKS_MAX_AGE_SECONDS = 300;

/** Publishes the keys that verify access tokens. */
export interface JwksServer {
  /** The port it listens on, once started. */
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** With an identity over mutual TLS, for whoever is of the mesh; else in plain text. */
export function createJwksServer(options: {
  listen: HostPort;
  identity: Identity | undefined;
  keys: SigningKeys;
}): JwksServer {
  const server = serverFor(options.identity, answerWith(options.keys));
  server.headersTimeout = 5_000;
  server.requestTimeout = 5_000;
  return {
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? 0;
    },
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.listen.port, options.listen.host, resolve);
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serverFor(identity: Identity | undefined, listener: RequestListener): Server {
  if (!identity) return createServer(listener);
  const server = createTlsServer(
    { ...identity.files, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    listener,
  );
  identity.onChange((files) => server.setSecureContext(files));
  return server;
}

function answerWith(keys: SigningKeys): RequestListener {
  return (request, response) => {
    if (request.url?.split('?', 1)[0] !== JWKS_PATH) return response.writeHead(404).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return response.writeHead(405, { allow: 'GET, HEAD' }).end();
    }
    const set = keys.publicSet();
    if (!set) return response.writeHead(503, { 'retry-after': '1', 'cache-control': 'no-store' }).end();
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': `public, max-age=${JWKS_MAX_AGE_SECONDS}`,
    });
    return response.end(JSON.stringify(set));
  };
}
