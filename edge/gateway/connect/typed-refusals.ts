import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { type ConnectJson, type FieldViolation, type RpcError, toConnectJson } from '@realchat/rpc';
import { refusals } from '../relay/refusals.ts';

/**
 * What Connect's own code refuses (a content type, JSON that is none of the contract's, a message over the limit) has a code
 * and a sentence at most. Here it gets what every other refusal has: a reason for programs, and the field at fault.
 */
export async function withTypedRefusal(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  if (response.status === 415) return answering(response, refusals.contentTypeUnknown());
  if (response.status === 405) return answering(response, refusals.httpMethodNotAllowed());
  const header = response.header;
  const unary = header?.get('content-type') === 'application/json' && !header.has('content-encoding');
  if (response.status < 400 || !unary || response.body === undefined) return response;
  const bytes = await readAll(response.body);
  const refused = typed(JSON.parse(Buffer.from(bytes).toString()) as Partial<ConnectJson>);
  return refused === undefined ? { ...response, body: only(bytes) } : answering(response, refused);
}

/** The typed form of a refusal; undefined when it has one. */
function typed({ code, message = '', details }: Partial<ConnectJson>): RpcError | undefined {
  if (details !== undefined) return undefined;
  if (code === 'invalid_argument') return refusals.undecodable(message, fieldAtFault(message));
  if (code === 'resource_exhausted') return refusals.tooLarge();
  return undefined;
}

/** The field that the decoder could not read, as it names it. */
function fieldAtFault(message: string): FieldViolation[] {
  const field = /field [\w.]+\.(\w+) from JSON/.exec(message)?.[1] ?? /key "([^"]{1,64})" is/.exec(message)?.[1];
  return field === undefined ? [] : [{ field, description: message }];
}

function answering(response: UniversalServerResponse, error: RpcError): UniversalServerResponse {
  const bytes = Buffer.from(JSON.stringify(toConnectJson(error)));
  const header = new Headers(response.header);
  header.set('content-type', 'application/json');
  header.set('content-length', String(bytes.length));
  if (response.status === 405) header.set('allow', 'POST');
  return { ...response, header, body: only(bytes) };
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
