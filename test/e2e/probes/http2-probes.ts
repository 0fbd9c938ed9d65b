import { create, toBinary, toJson } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@realchat/gen/google/rpc/code';
import { type Answer, connectHttp2, type Http2Connection } from './http2-connection.ts';
import { type Ask, codeOfConnect, detailsOf, type Outcome, outcomeOf, type Probe, pathOf } from './outcome.ts';

/** A message behind its flags and its length, as in gRPC, gRPC-Web and streams of Connect. */
export function envelope(message: Uint8Array | string, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  const body = Buffer.from(message);
  head[0] = flags;
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** gRPC: status in trailers, or in headers when there is nothing else. */
export function grpcProbe(address: string, ca: Buffer): Probe {
  return http2Probe('grpc', address, ca, async (connection, ask) => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers', ...own(ask) };
    return readGrpc(
      await connection.post(pathOf(ask.method), headers, envelope(toBinary(ask.method.input, ask.request))),
    );
  });
}

/** gRPC-Web: status in a last piece of the body, or in headers when there is nothing else. */
export function grpcWebProbe(address: string, ca: Buffer): Probe {
  return http2Probe('grpc-web', address, ca, async (connection, ask) => {
    const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', ...own(ask) };
    return readGrpcWeb(
      await connection.post(pathOf(ask.method), headers, envelope(toBinary(ask.method.input, ask.request))),
    );
  });
}

/** Connect with JSON: status in a JSON body, of a stream in its last envelope. */
export function connectJsonProbe(address: string, ca: Buffer): Probe {
  return http2Probe('connect-json', address, ca, async (connection, ask) => {
    const json = JSON.stringify(toJson(ask.method.input, ask.request));
    if (ask.method.methodKind === 'unary') {
      const headers = { 'content-type': 'application/json', ...own(ask) };
      return readConnect(await connection.post(pathOf(ask.method), headers, json));
    }
    const headers = { 'content-type': 'application/connect+json', ...own(ask) };
    return readConnectStream(await connection.post(pathOf(ask.method), headers, envelope(json)));
  });
}

export function readGrpc(answer: Answer): Outcome {
  return statusFrom({ ...answer.headers, ...answer.trailers }, answer);
}

export function readGrpcWeb(answer: Answer): Outcome {
  const last = envelopesOf(answer.body).find(({ flags }) => flags & 0x80);
  const lines = last?.content.toString('latin1').split('\r\n').filter(Boolean) ?? [];
  const trailers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return statusFrom({ ...answer.headers, ...trailers }, answer);
}

export function readConnect(answer: Answer): Outcome {
  if (answer.status === 200) return outcomeOf({ code: Code.OK, message: '', details: [], ...wordsOf(answer, '') });
  return connectError(parse(answer.body.toString()), answer);
}

function readConnectStream(answer: Answer): Outcome {
  if (answer.headers['content-type'] !== 'application/connect+json') return readConnect(answer);
  const end = envelopesOf(answer.body).find(({ flags }) => flags & 2);
  const { error } = parse(end?.content.toString() ?? '{}') as { error?: unknown };
  return error
    ? connectError(error, answer)
    : outcomeOf({ code: Code.OK, message: '', details: [], ...wordsOf(answer, '') });
}

function statusFrom(fields: Record<string, unknown>, answer: Answer): Outcome {
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : undefined);
  const details = text('grpc-status-details-bin');
  const message = text('grpc-message') ?? '';
  return outcomeOf({
    code: Number(text('grpc-status') ?? Code.UNKNOWN),
    message: decodeURIComponent(message),
    details: detailsOf(details),
    ...wordsOf(answer, `${text('grpc-status')} ${message} ${details}`),
  });
}

function connectError(body: unknown, answer: Answer): Outcome {
  const { code, message, details = [] } = body as { code?: unknown; message?: string; details?: ConnectDetail[] };
  return outcomeOf({
    code: codeOfConnect(code),
    message: message ?? '',
    details: details.map(toAny),
    ...wordsOf(answer, `${answer.status} ${JSON.stringify(body)}`),
  });
}

interface ConnectDetail {
  type: string;
  value: string;
}

function toAny({ type, value }: ConnectDetail): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(value, 'base64') });
}

function wordsOf({ status, headers, trailers, body }: Answer, ending: string) {
  return {
    ending,
    everything: `${status} ${JSON.stringify(headers)} ${JSON.stringify(trailers)} ${body.toString('latin1')}`,
  };
}

function envelopesOf(body: Buffer): { flags: number; content: Buffer }[] {
  const found = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    found.push({ flags: body[at] ?? 0, content: body.subarray(at + 5, end) });
    at = end;
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function own({ token, headers = {} }: Ask): Record<string, string> {
  return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
}

function http2Probe(
  name: string,
  address: string,
  ca: Buffer,
  ask: (connection: Http2Connection, ask: Ask) => Promise<Outcome>,
): Probe {
  const connection = connectHttp2(address, ca);
  return { name, ask: (what) => ask(connection, what), close: () => connection.close() };
}
