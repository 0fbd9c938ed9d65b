import { randomUUID } from 'node:crypto';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { v7 as uuidv7 } from 'uuid';
import type { AuthContext } from '../context.ts';
import type { NewSession } from '../db/open-session.ts';
import type { LiveSession } from '../db/rotate-session.ts';
import type { RefreshToken } from '../domain/refresh-token.ts';
import { SESSION_MAX_MS } from '../domain/session-life.ts';

/** What Register, Login and RefreshSession all answer. */
export interface SessionAnswer {
  userId: string;
  accessToken: string;
  refreshToken: string;
  accessTokenExpireTime: Timestamp;
  deviceId: string;
}

/** A session that is ready to be stored, and the answer for when it is: nothing can fail after the commit. */
export interface PreparedSession {
  row: NewSession;
  answer: SessionAnswer;
}

/** Makes a session with its first tokens. An empty device id gets one made. */
export async function prepareSession(
  context: AuthContext,
  userId: string,
  requestedDeviceId: string,
): Promise<PreparedSession> {
  const sessionId = uuidv7();
  const deviceId = requestedDeviceId || randomUUID();
  const token = context.refreshTokens.first(sessionId);
  const session = { sessionId, userId, deviceId, endsAt: Date.now() + SESSION_MAX_MS };
  return {
    row: { sessionId, userId, deviceId, tokenHash: token.hash },
    answer: await answerWith(context, session, token),
  };
}

/** The answer with a new access token of the session beside the refresh token in force. */
export async function answerWith(
  context: AuthContext,
  session: LiveSession,
  token: RefreshToken,
): Promise<SessionAnswer> {
  const { userId, sessionId, deviceId, endsAt } = session;
  const { jwt, expiresAt } = await context.accessTokens.issue({ userId, sessionId, deviceId, sessionEndsAt: endsAt });
  return {
    userId,
    accessToken: jwt,
    refreshToken: token.text,
    accessTokenExpireTime: timestampFromMs(expiresAt * 1_000),
    deviceId,
  };
}
