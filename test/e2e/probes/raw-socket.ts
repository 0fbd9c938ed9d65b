import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A connection on which anything can be said. */
export interface RawSocket {
  /** All that has come so far. */
  received(): Buffer;
  write(bytes: Uint8Array | string): void;
  /** Resolves when the other side has closed, or broken, the connection. Rejects when it has not in time. */
  closed(deadlineMs?: number): Promise<void>;
  destroy(): void;
}

/** Connects to `host:port`, in plain text or over TLS, where HTTP/1.1 is agreed on. */
export function openRawSocket(address: string, ca?: Buffer): Promise<RawSocket> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  const where = { host, port: Number(port) };
  return new Promise((resolve, reject) => {
    const socket: Socket = ca ? connectTls({ ...where, ca, ALPNProtocols: ['http/1.1'] }) : connectTcp(where);
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((end) => socket.once('close', () => end()));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once(ca ? 'secureConnect' : 'connect', () => {
      socket.off('error', reject).on('error', () => {});
      resolve({
        received: () => Buffer.concat(chunks),
        write: (bytes) => void socket.write(bytes),
        destroy: () => socket.destroy(),
        async closed(deadlineMs = 10_000) {
          let timer: NodeJS.Timeout | undefined;
          const overdue = new Promise<never>((_, fail) => {
            timer = setTimeout(
              () => fail(new Error(`the connection is still open after ${deadlineMs} ms`)),
              deadlineMs,
            );
          });
          await Promise.race([ended, overdue]).finally(() => clearTimeout(timer));
        },
      });
    });
  });
}

/** The handshake of a WebSocket with the framing's subprotocol. */
export function upgradeRequest(host: string): string {
  return [
    'GET /ws HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: realchat.v1',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n');
}

/** How a frame of a WebSocket begins, and what is wrong with it if anything is. */
export interface FrameShape {
  /** The first byte: FIN, three reserved bits, opcode. */
  head: number;
  masked?: boolean;
  /** What the frame says of its length; the payload's own when left out. */
  length?: number;
}

/** A frame of a WebSocket (RFC 6455, section 5.2). */
export function webSocketFrame(
  { head, masked = true, length }: FrameShape,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const said = length ?? payload.length;
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const flag = masked ? 0x80 : 0;
  const size = Buffer.alloc(said < 126 ? 1 : said < 65_536 ? 3 : 9);
  if (size.length === 1) size[0] = flag | said;
  else if (size.length === 3) {
    size[0] = flag | 126;
    size.writeUInt16BE(said, 1);
  } else {
    size[0] = flag | 127;
    size.writeBigUInt64BE(BigInt(said), 1);
  }
  const body = Buffer.from(payload);
  if (masked) for (let i = 0; i < body.length; i++) body[i] = (body[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return Buffer.concat([Buffer.from([head]), size, mask, body]);
}

/** The close code in the last frame that a server sent; undefined when that was no close frame. */
export function closeCodeOf(received: Buffer): number | undefined {
  const start = received.indexOf('\r\n\r\n') + 4;
  let code: number | undefined;
  for (let at = start; at + 2 <= received.length; ) {
    const short = (received[at + 1] ?? 0) & 0x7f;
    const [length, head] =
      short < 126
        ? [short, 2]
        : short === 126
          ? [received.readUInt16BE(at + 2), 4]
          : [Number(received.readBigUInt64BE(at + 2)), 10];
    if (((received[at] ?? 0) & 0x0f) === 8) code = length >= 2 ? received.readUInt16BE(at + head) : 1005;
    at += head + length;
  }
  return code;
}
