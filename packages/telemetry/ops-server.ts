import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostPort } from '@realchat/config';
import type { Registry } from 'prom-client';

/** What operators and supervisors ask a process over HTTP. */
export interface OpsServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * Serves `/healthz` (the process lives), `/readyz` (200 when it can serve, else 503 with one line a problem) and
 * `/metrics` (Prometheus text).
 */
export async function startOpsServer(options: {
  listen: HostPort;
  metrics: Registry;
  /** Returns what keeps the process from serving; nothing when it is ready. */
  problems: () => string[] | Promise<string[]>;
}): Promise<OpsServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', response, options).catch(() => response.destroy());
  });
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.listen.port, options.listen.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, stop: () => close(server) };
}

async function answer(
  url: string,
  response: ServerResponse,
  options: { metrics: Registry; problems: () => string[] | Promise<string[]> },
): Promise<void> {
  const path = url.split('?', 1)[0];
  if (path === '/healthz') return send(response, 200, 'alive\n');
  if (path === '/readyz') {
    const problems = await options.problems();
    return problems.length ? send(response, 503, `${problems.join('\n')}\n`) : send(response, 200, 'ready\n');
  }
  if (path === '/metrics') return send(response, 200, await options.metrics.metrics(), options.metrics.contentType);
  return send(response, 404, 'not found\n');
}

function send(response: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
