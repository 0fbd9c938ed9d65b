import { Code, RpcError } from '@realchat/rpc';
import { parse, stringify, validate } from 'uuid';

// A page token says where the page before ended. It grants nothing: what it pages through is always the caller's own to see.

/** A page of what was found, one more than its size when there is more, and the token behind its last. */
export function pageOf<T>(found: readonly T[], size: number, tokenBehind: (last: T) => string) {
  const page = found.slice(0, size);
  const last = page.at(-1);
  return { page, nextPageToken: found.length > size && last !== undefined ? tokenBehind(last) : '' };
}

/** The token behind an id. */
export function encodePageToken(lastId: string): string {
  return Buffer.from(parse(lastId)).toString('base64url');
}

/** Throws INVALID_ARGUMENT for what encodePageToken has not made. */
export function decodePageToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  const id = bytes.length === 16 ? stringifyOrNothing(bytes) : undefined;
  if (id && encodePageToken(id) === token) return id;
  throw invalidPageToken();
}

/** Where a member stands in the list of members. */
export interface MemberPlace {
  joinedSeq: bigint;
  userId: string;
}

/** The token behind a member. */
export function encodeMemberPageToken({ joinedSeq, userId }: MemberPlace): string {
  const bytes = Buffer.alloc(24);
  bytes.writeBigInt64BE(joinedSeq);
  bytes.set(parse(userId), 8);
  return bytes.toString('base64url');
}

/** Throws INVALID_ARGUMENT for what encodeMemberPageToken has not made. */
export function decodeMemberPageToken(token: string): MemberPlace {
  const bytes = Buffer.from(token, 'base64url');
  const userId = bytes.length === 24 ? stringifyOrNothing(bytes.subarray(8)) : undefined;
  if (userId) {
    const place = { joinedSeq: bytes.readBigInt64BE(), userId };
    if (encodeMemberPageToken(place) === token) return place;
  }
  throw invalidPageToken();
}

function invalidPageToken(): RpcError {
  const message = 'the page token is not one of this list';
  return new RpcError(Code.INVALID_ARGUMENT, 'PAGE_TOKEN_INVALID', message, {
    violations: [{ field: 'page_token', description: message }],
  });
}

function stringifyOrNothing(bytes: Uint8Array): string | undefined {
  try {
    const id = stringify(bytes);
    return validate(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
