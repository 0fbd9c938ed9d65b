import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ListSessionsResponseSchema } from '@realchat/gen/realchat/auth/v1/auth_service';
import type { Call } from '@realchat/rpc';
import type { AuthContext } from '../context.ts';
import { listSessions as readSessions } from '../db/live-sessions.ts';
import { assertSessionAlive } from './live-caller.ts';

const MOST = 100;

/** The caller's sessions that have not ended. */
export async function listSessions(
  context: AuthContext,
  call: Call,
): Promise<MessageInitShape<typeof ListSessionsResponseSchema>> {
  const { userId, sessionId: current } = call.caller;
  await assertSessionAlive(context, call);
  const found = await readSessions(context.pool, userId, MOST);
  const sessions = found.map(({ sessionId, deviceId, createTime, refreshTime }) => ({
    sessionId,
    deviceId,
    createTime: timestampFromDate(createTime),
    refreshTime: timestampFromDate(refreshTime),
    current: sessionId === current,
  }));
  return { sessions };
}
