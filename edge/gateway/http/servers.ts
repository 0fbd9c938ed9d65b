import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { HostPort } from '@realchat/config';
import type { Upgrades } from '../websocket/upgrade.ts';
import type { HttpRequest, HttpResponse } from './http-types.ts';

type Listener = (request: HttpRequest, response: HttpResponse) => void;

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Takes no more connections or requests, lets those at work finish, at most for the grace time, then closes. */
  stop(graceMs: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;

/** HTTP/1.1, with the WebSockets. Every time limit is set: a client that dawdles does not hold a connection. */
export async function listenHttp(listen: HostPort, listener: Listener, upgrades: Upgrades): Promise<Listening> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
    },
    listener,
  );
  server.maxHeadersCount = 100;
  server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  const port = await listening(server, listen);
  return { port, stop: (graceMs) => stopHttp(server, graceMs) };
}

/** Plaintext HTTP/2, which the edge speaks on few connections with many calls each. */
export async function listenH2c(listen: HostPort, listener: Listener): Promise<Listening> {
  const server = createHttp2Server(
    {
      settings: { maxConcurrentStreams: 2_048, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
      maxSessionMemory: 64,
      maxHeaderListPairs: 100,
      unknownProtocolTimeout: 5_000,
    },
    listener,
  );
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
  server: Http2Server,
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
