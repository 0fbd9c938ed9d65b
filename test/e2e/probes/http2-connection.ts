import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';

/** What came back for a request, to its very end. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  trailers: IncomingHttpHeaders;
  body: Buffer;
  /** The code with which the server reset the stream; undefined when it ended it in good order. */
  reset: number | undefined;
}

/** One connection over TLS that requests share; made anew when it is lost. */
export interface Http2Connection {
  /** Resolves with whatever came back, a reset included. Rejects when there was no answer in time, or no connection. */
  post(
    path: string,
    headers: Record<string, string>,
    body: Uint8Array | string,
    options?: PostOptions,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface PostOptions {
  method?: string;
  /** False leaves the request open, as a sender does who has more to say. */
  end?: boolean;
  deadlineMs?: number;
}

/** `address` is `host:port`. */
export function connectHttp2(address: string, ca: Buffer): Http2Connection {
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session;
    const fresh = connect(`https://${address}`, { ca });
    fresh.on('error', () => {});
    session = fresh;
    return fresh;
  };

  return {
    post: (path, headers, body, { method = 'POST', end = true, deadlineMs = 15_000 } = {}) =>
      new Promise((resolve, reject) => {
        const stream = open().request({ ...headers, ':path': path, ':method': method });
        const chunks: Buffer[] = [];
        let received: IncomingHttpHeaders | undefined;
        let trailers: IncomingHttpHeaders = {};
        const overdue = setTimeout(() => {
          stream.close();
          reject(new Error(`no answer from ${path} within ${deadlineMs} ms`));
        }, deadlineMs);
        stream.on('response', (fields) => {
          received = fields;
        });
        stream.on('trailers', (fields) => {
          trailers = fields;
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        let failure: Error | undefined;
        stream.on('error', (error) => {
          failure = error;
        });
        stream.on('close', () => {
          clearTimeout(overdue);
          const reset = stream.rstCode || undefined;
          if (!received && reset === undefined) return reject(failure ?? new Error(`no answer from ${path}`));
          const status = Number(received?.[':status'] ?? 0);
          resolve({ status, headers: received ?? {}, trailers, body: Buffer.concat(chunks), reset });
        });
        if (end) stream.end(body);
        else stream.write(body);
      }),
    close: () =>
      new Promise((resolve) => {
        if (!session || session.destroyed) return resolve();
        session.close(() => resolve());
        session.destroy();
      }),
  };
}
