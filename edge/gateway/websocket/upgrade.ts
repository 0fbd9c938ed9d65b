import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { MAX_FRAMES_BYTES, SUBPROTOCOL } from '@realchat/framing';
import { WebSocketServer } from 'ws';
import type { GatewayContext } from '../context.ts';
import { clientAddress } from '../http/client-address.ts';
import { isAllowedOrigin } from '../http/origins.ts';
import { Sessions } from './sessions.ts';

/** Where WebSockets are opened. */
const WEB_SOCKET_PATH = '/ws';

const RETRY_AFTER_SECONDS = 1;

// Each default of `ws` that is no limit is set: a message of ours is small, and in few fragments.
const LIMITS = {
  maxPayload: MAX_FRAMES_BYTES,
  maxFragments: 256,
  maxBufferedChunks: 1024,
  maxPendingAutoPongs: 8,
  closeTimeout: 3_000,
  perMessageDeflate: false,
  clientTracking: false,
};

export interface Upgrades {
  /** For the `upgrade` event of an HTTP/1.1 server. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  readonly sessions: Sessions;
}

/** Opens sockets for those who may have one. */
export function createUpgrades(context: GatewayContext): Upgrades {
  const sessions = new Sessions(context);
  const server = new WebSocketServer({ ...LIMITS, noServer: true, handleProtocols: () => SUBPROTOCOL });
  return {
    sessions,
    handle(request, socket, head) {
      socket.on('error', () => socket.destroy());
      const refusal = refusalOf(request, context, sessions);
      if (refusal) {
        context.events.socketRefused(refusal.status);
        refuse(socket, refusal);
        return;
      }
      server.handleUpgrade(request, socket, head, (webSocket) => sessions.open(webSocket, addressOf(request, context)));
    },
  };
}

function addressOf(request: IncomingMessage, { trustedHops }: GatewayContext): string {
  return clientAddress(request.headers, request.socket.remoteAddress, trustedHops);
}

interface Refusal {
  readonly status: number;
  readonly why: string;
}

function refusalOf(request: IncomingMessage, context: GatewayContext, sessions: Sessions): Refusal | undefined {
  const [path, query] = (request.url ?? '').split('?', 2);
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (path !== WEB_SOCKET_PATH) return { status: 404, why: 'no WebSocket here' };
  if (!isAllowedOrigin(request.headers, context.allowedOrigins))
    return { status: 403, why: 'this origin is not allowed' };
  if (query !== undefined) return { status: 400, why: 'no query here: the token is in the first frame' };
  if (!offered.includes(SUBPROTOCOL)) return { status: 400, why: `the subprotocol is ${SUBPROTOCOL}` };
  if (sessions.isFullFor(addressOf(request, context)))
    return { status: 429, why: 'too many WebSockets of this address' };
  if (context.stopping.aborted || sessions.full) return { status: 503, why: 'come back later' };
  return undefined;
}

function refuse(socket: Duplex, { status, why }: Refusal): void {
  const retry = status === 503 || status === 429 ? `retry-after: ${RETRY_AFTER_SECONDS}\r\n` : '';
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\n`;
  socket.end(`${head}${retry}content-length: ${why.length}\r\n\r\n${why}`, () => socket.destroy());
}
