import { Code, RpcError } from '@realchat/rpc';

export function usernameTaken(): RpcError {
  return new RpcError(Code.ALREADY_EXISTS, 'USERNAME_TAKEN', 'this username is taken');
}

/** `field` is that of the request. */
export function passwordTooCommon(field: 'password' | 'new_password'): RpcError {
  const message = 'this password is among the first that are guessed; choose another';
  return new RpcError(Code.INVALID_ARGUMENT, 'PASSWORD_TOO_COMMON', message, {
    violations: [{ field, description: message }],
  });
}

/** The one answer for a name that nobody has and a password that is wrong. */
export function badCredentials(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'BAD_CREDENTIALS', 'the username or the password is wrong');
}

/** The one answer for a session that nobody has and one of somebody else. */
export function sessionNotFound(): RpcError {
  return new RpcError(Code.NOT_FOUND, 'SESSION_NOT_FOUND', 'you have no such session');
}

/** The one answer for a refresh token that is unknown, has expired, or is of a session that ended. */
export function refreshTokenInvalid(): RpcError {
  return new RpcError(Code.UNAUTHENTICATED, 'REFRESH_TOKEN_INVALID', 'the refresh token is not valid; log in again');
}

export function refreshTokenReused(): RpcError {
  const message = "the refresh token was used before; its session has been ended for its owner's safety";
  return new RpcError(Code.UNAUTHENTICATED, 'REFRESH_TOKEN_REUSED', message);
}
