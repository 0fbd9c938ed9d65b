import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** One request over TLS and HTTP/2, on a connection of its own. */
export function http2Request(
  target: { port: number; ca: string },
  headers: OutgoingHttpHeaders,
  body?: Uint8Array | string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://localhost:${target.port}`, { ca: target.ca });
    session.once('error', reject);
    const stream = session.request({ ':method': body === undefined ? 'GET' : 'POST', ...headers });
    let answer: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.once('response', (received) => {
      answer = received;
    });
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      session.close();
      resolve({ status: Number(answer[':status'] ?? 0), headers: answer, body: Buffer.concat(chunks) });
    });
    stream.end(body);
  });
}
