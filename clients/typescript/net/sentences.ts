import { Code } from '@connectrpc/connect';

const BY_REASON: Record<string, string> = {
  BAD_CREDENTIALS: 'The username or the password is wrong.',
  CLIENT_MESSAGE_ID_REUSED: 'This message was sent before with other words. Write it again.',
  CONVERSATION_NOT_FOUND: 'This conversation does not exist, or you are not in it.',
  CONVERSATION_WITH_SELF: 'You cannot open a conversation with yourself.',
  DEAD_LETTER_NOT_FOUND: 'There is no such dead letter.',
  DEAD_LETTER_NOT_OPEN: 'One of these was replayed already, and cannot be discarded.',
  DAY_INVALID: 'The month has no such day.',
  MESSAGE_NOT_FOUND: 'There is no such message.',
  NOT_AN_OPERATOR: 'This is for operators. Whoever may reach the database makes one: realchat ops grant.',
  PASSWORD_TOO_COMMON: 'This password is too easy to guess. Choose another one.',
  PROFILE_NOT_FOUND: 'There is no user of this name.',
  REFRESH_TOKEN_INVALID: 'Your session has ended. Log in again.',
  REFRESH_TOKEN_REUSED: 'Your session was ended because its key was used twice. Log in again.',
  REQUEST_ID_REUSED: 'This was asked before in another way. Try again.',
  SEND_QUEUE_FULL: 'The server is busy.',
  TOO_MANY_STREAMS: 'The server has no room for another window now.',
  USERNAME_TAKEN: 'This username is taken. If it is yours, log in.',
  USER_NOT_FOUND: 'One of these users does not exist.',
};

const BY_CODE: Partial<Record<Code, string>> = {
  [Code.Canceled]: 'The request was interrupted.',
  [Code.DeadlineExceeded]: 'The server did not answer in time.',
  [Code.InvalidArgument]: 'Something here is not as it must be.',
  [Code.NotFound]: 'This does not exist.',
  [Code.PermissionDenied]: 'You may not do this.',
  [Code.ResourceExhausted]: 'That was too much at once. Wait a moment.',
  [Code.Unauthenticated]: 'The server does not accept your session.',
  [Code.Unavailable]: 'The server cannot be reached.',
  [Code.Unimplemented]: 'The server does not know how to do this.',
  // What browsers make of a connection that broke.
  [Code.Unknown]: 'The server cannot be reached.',
};

/** What a failure means to the reader of the page. */
export function sentenceFor(code: Code, reason: string): string {
  return BY_REASON[reason] ?? BY_CODE[code] ?? 'Something went wrong at the server.';
}
