import { Code, RpcError } from '@realchat/rpc';

const USERNAME = /^[a-z0-9][a-z0-9_.-]{2,31}$/;

/** A page token is the last username of the page before. It grants nothing: whoever is logged in may search from anywhere. */
export function encodePageToken(lastUsername: string): string {
  return Buffer.from(lastUsername).toString('base64url');
}

/** Throws INVALID_ARGUMENT for what encodePageToken has not made. */
export function decodePageToken(token: string): string {
  const username = Buffer.from(token, 'base64url').toString();
  if (USERNAME.test(username) && encodePageToken(username) === token) return username;
  const message = 'the page token is not one of this list';
  throw new RpcError(Code.INVALID_ARGUMENT, 'PAGE_TOKEN_INVALID', message, {
    violations: [{ field: 'page_token', description: message }],
  });
}
