import { Code, RpcError } from '@realchat/rpc';
import { parse, stringify, validate } from 'uuid';

/** A page token is the last id of the page before. It grants nothing: what it pages through is always the caller's own. */
export function encodePageToken(lastId: string): string {
  return Buffer.from(parse(lastId)).toString('base64url');
}

/** Throws INVALID_ARGUMENT for what encodePageToken has not made. */
export function decodePageToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  const id = bytes.length === 16 ? stringifyOrNothing(bytes) : undefined;
  if (id && encodePageToken(id) === token) return id;
  const message = 'the page token is not one of this list';
  throw new RpcError(Code.INVALID_ARGUMENT, 'PAGE_TOKEN_INVALID', message, {
    violations: [{ field: 'page_token', description: message }],
  });
}

function stringifyOrNothing(bytes: Buffer): string | undefined {
  try {
    const id = stringify(bytes);
    return validate(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
