import { connect } from 'node:net';

const API_VERSIONS = 18;
const CORRELATION = 1;
const TIMEOUT_MS = 2000;

/**
 * Whether the broker answers requests. Its port opens long before: it begins to read only when its controller has let it
 * in, and so this is the moment from which clients can work.
 */
export function kafkaAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    let answer = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      // size, correlation, error code
      if (answer.length >= 10) end(answer.readInt32BE(4) === CORRELATION && answer.readInt16BE(8) === 0);
    });
    socket.write(apiVersionsRequest('realchat-launcher'));
  });
}

/** ApiVersions 0, the first request of every client: size, key, version, correlation, client id; no body. */
export function apiVersionsRequest(clientId: string): Buffer {
  const request = Buffer.alloc(14 + Buffer.byteLength(clientId));
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(API_VERSIONS, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(CORRELATION, 8);
  request.writeInt16BE(Buffer.byteLength(clientId), 12);
  request.write(clientId, 14);
  return request;
}
