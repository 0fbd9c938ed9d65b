import { ACCESS_TOKEN_MAX_SECONDS } from '@realchat/rpc';

/** More than the clocks of the mesh may differ, in milliseconds. */
const SKEW_MS = 60_000;

/** How long a session that ended is remembered: by then no access token of it can be valid any more. In milliseconds. */
export const HELD_MS = ACCESS_TOKEN_MAX_SECONDS * 1_000 + SKEW_MS;

/** A sorted set of session ids by the time at which they were stored, in milliseconds, by Redis' own clock. */
export const STORED_KEY = 'realchat:revoked-sessions';

/** Each message is one or more session ids, separated by spaces. */
export const CHANNEL = 'realchat:revoked-sessions';
