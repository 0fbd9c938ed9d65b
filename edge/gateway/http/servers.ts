import { createServer, type Server, type ServerOptions } from 'node:http';
import {
  createServer as createHttp2Server,
  createSecureServer as createHttp2TlsServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { HostPort } from '@realchat/config';
import { admitOnly, type Identity } from '@realchat/identity';
import type { Upgrades } from '../websocket/upgrade.ts';
import type { HttpRequest, HttpResponse } from './http-types.ts';

type Listener = (request: HttpRequest, response: HttpResponse) => void;

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Takes no more connections or requests, lets those at work finish, at most for the grace time, then closes. */
  stop(graceMs: number): Promise<void>;
}

/** How the edge is told from others. */
interface EdgeCheck {
  readonly identity: Identity;
  /** Another process of the mesh connected, and was sent away. */
  readonly refused: (name: string | undefined) => void;
}

/** Where to listen, and for whom; without a check, in plain text for anyone. */
interface Door {
  readonly listen: HostPort;
  readonly edge: EdgeCheck | undefined;
}

const MAX_HEADER_BYTES = 16 * 1024;

/** HTTP/1.1, with the WebSockets. Every time limit is set: a client that dawdles does not hold a connection. */
export async function listenHttp({ listen, edge }: Door, listener: Listener, upgrades: Upgrades): Promise<Listening> {
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
  };
  const server = edge
    ? forEdgeAlone(createTlsServer({ ...options, ...tlsOptions(edge) }, listener), edge)
    : createServer(options, listener);
  server.maxHeadersCount = 100;
  server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  const port = await listening(server, listen);
  return { port, stop: (graceMs) => stopHttp(server, graceMs) };
}

/** HTTP/2, which the edge speaks on few connections with many calls each. */
export async function listenH2c({ listen, edge }: Door, listener: Listener): Promise<Listening> {
  const options = {
    settings: { maxConcurrentStreams: 2_048, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
    maxSessionMemory: 64,
    maxHeaderListPairs: 100,
    unknownProtocolTimeout: 5_000,
  };
  const server = edge
    ? forEdgeAlone(createHttp2TlsServer({ ...options, ...tlsOptions(edge) }, listener), edge)
    : createHttp2Server(options, listener);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('sessionError', () => {});
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listening(server, listen);
  return { port, stop: (graceMs) => stopH2c(server, sessions, sockets, graceMs) };
}

function tlsOptions({ identity }: EdgeCheck): TlsOptions {
  return { ...identity.files, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' };
}

function forEdgeAlone<S extends Parameters<typeof admitOnly>[0]>(server: S, { identity, refused }: EdgeCheck): S {
  admitOnly(server, identity, ['envoy'], refused);
  return server;
}

async function listening(server: NetServer, { host, port }: HostPort): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function stopHttp(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const overdue = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(overdue);
}

async function stopH2c(
  server: Http2Server | Http2SecureServer,
  sessions: ReadonlySet<ServerHttp2Session>,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // GOAWAY: what is at work is finished, what is new goes elsewhere.
  for (const session of sessions) session.close();
  // Not the sessions: one whose peer does not read can be destroyed and hold its socket all the same.
  const overdue = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(overdue);
}
