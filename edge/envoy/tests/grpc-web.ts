import { type Answer, http2Request } from './http2-request.ts';

/** How a gRPC-Web call ended: by headers alone, or by the trailers in the body. */
export interface GrpcWebResult {
  answer: Answer;
  status: number;
  message: string;
  details: string | undefined;
  messages: Buffer[];
}

/** Makes a gRPC-Web call by hand, as a browser's library does. */
export async function grpcWebCall(
  target: { port: number; ca: string },
  path: string,
  message: Uint8Array = new Uint8Array(),
  headers: Record<string, string> = {},
): Promise<GrpcWebResult> {
  const answer = await http2Request(
    target,
    { ':path': path, 'content-type': 'application/grpc-web+proto', ...headers },
    frame(message),
  );
  return { answer, ...read(answer) };
}

/** A message behind its flag and length. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function read({ headers, body }: Answer): Omit<GrpcWebResult, 'answer'> {
  const messages: Buffer[] = [];
  let trailers: Record<string, string | undefined> = headers as Record<string, string>;
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const content = body.subarray(at + 5, end);
    if ((body[at] ?? 0) & 0x80) trailers = parseTrailers(content.toString());
    else messages.push(content);
    at = end;
  }
  return {
    status: Number(trailers['grpc-status'] ?? Number.NaN),
    message: decodeURIComponent(trailers['grpc-message'] ?? ''),
    details: trailers['grpc-status-details-bin'],
    messages,
  };
}

function parseTrailers(block: string): Record<string, string> {
  const lines = block.split('\r\n').filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}
