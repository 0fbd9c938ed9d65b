import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import { WebSocketServer } from 'ws';

export interface SeenRequest {
  path: string;
  headers: IncomingHttpHeaders;
}

/** Stands in for the gateway: a web page and an echoing WebSocket on HTTP/1.1, JSON for anything on HTTP/2. */
export interface GatewayStub {
  port: number;
  h2cPort: number;
  seen: SeenRequest[];
  /** False: Connect calls are left waiting. */
  answers: boolean;
  stop(): void;
}

export async function startGatewayStub(): Promise<GatewayStub> {
  const seen: SeenRequest[] = [];
  const http = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.end();
      return;
    }
    seen.push({ path: request.url ?? '', headers: request.headers });
    response.setHeader('content-type', 'text/html').end('<!doctype html>');
  });
  const sockets = new WebSocketServer({ server: http, path: '/ws' });
  sockets.on('connection', (socket, request) => {
    seen.push({ path: request.url ?? '', headers: request.headers });
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });

  const sessions = new Set<ServerHttp2Session>();
  const h2c = createHttp2Server((request, response) => {
    if (request.url === '/healthz') {
      response.end();
      return;
    }
    seen.push({ path: request.url, headers: request.headers });
    request.resume();
    request.on('end', () => {
      if (!stub.answers) return;
      response.setHeader('content-type', 'application/json');
      response.end('{"from":"gateway"}');
    });
  });
  h2c.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  await Promise.all([http, h2c].map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))));
  const stub: GatewayStub = {
    answers: true,
    port: (http.address() as { port: number }).port,
    h2cPort: (h2c.address() as { port: number }).port,
    seen,
    stop: () => {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      http.close();
      for (const session of sessions) session.destroy();
      h2c.close();
    },
  };
  return stub;
}
