import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { Code, createGrpcServer, implement, RpcError, unavailable } from '@realchat/rpc';
import { silentTelemetry } from '@realchat/testkit';
import type { MemoryLog } from './memory-log.ts';

/** Messaging's internal listener over a log in memory. */
export async function startMessaging(memory: MemoryLog) {
  const state = { away: false };
  const asked: string[] = [];
  const directs = new Map<string, [string, string]>();
  const answer = async <T>(read: () => T): Promise<T> => {
    if (state.away) throw unavailable('messaging is held');
    return read();
  };
  const server = createGrpcServer({
    identity: undefined,
    listen: { host: '127.0.0.1', port: 0 },
    implementations: [
      implement(LogService, {
        readHeads: () => answer(() => ({ epoch: memory.epoch, heads: memory.heads().map(BigInt) })),
        readLog: (_call, { shard, afterPosition, pageSize }) =>
          answer(() => {
            const { records, through } = memory.read(shard, Number(afterPosition), pageSize || 500);
            return { records, throughPosition: BigInt(through) };
          }),
        readSession: (_call, { userId, afterPositions, maxEvents }) =>
          answer(() => {
            const session = memory.session(userId, afterPositions.map(Number), maxEvents);
            if (!session) throw new RpcError(Code.OUT_OF_RANGE, 'BACKLOG_TOO_LARGE', 'too much was missed');
            return { ...session, heads: session.heads.map(BigInt) };
          }),
      }),
      implement(MembershipService, {
        findCompanions: (_call, { userId, candidateIds, maxDirectPeers }) =>
          answer(() => {
            const mine = memory.conversationsOf(userId);
            const isCompanion = (other: string) => mine.some((id) => memory.isMember(id, other));
            const peers = mine.flatMap((id) => (directs.get(id) ?? []).filter((other) => other !== userId));
            return {
              companionIds: candidateIds.filter((other) => other === userId || isCompanion(other)),
              directPeerIds: peers.slice(0, maxDirectPeers),
            };
          }),
        checkMembership: (_call, { userId, conversationId }) =>
          answer(() => {
            asked.push(userId);
            return { member: memory.conversations.has(conversationId) && memory.isMember(conversationId, userId) };
          }),
      }),
    ],
    ...silentTelemetry(),
  });
  await server.start();
  return {
    port: server.port,
    /** The users whose memberships were asked for. */
    asked,
    /** Which conversations are direct, and of whom. */
    directs,
    hold: () => {
      state.away = true;
    },
    release: () => {
      state.away = false;
    },
    stop: () => server.stop(1_000),
  };
}
