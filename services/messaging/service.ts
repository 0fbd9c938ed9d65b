import { createPool, isDatabaseUnavailable, type Pool } from '@realchat/db';
import { AccountService } from '@realchat/gen/realchat/auth/v1/account_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import { LogService } from '@realchat/gen/realchat/messaging/v1/log_service';
import { MembershipService } from '@realchat/gen/realchat/messaging/v1/membership_service';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { openIdentity } from '@realchat/identity';
import { createHinter } from '@realchat/outbox';
import { createRevocations } from '@realchat/revocation';
import {
  createCallMetrics,
  createGrpcClient,
  createGrpcServer,
  createTokenVerifier,
  implement,
  isCalleeUnavailable,
  openKeyCache,
  PUBLIC_SERVICES,
  type RpcError,
  unavailable,
} from '@realchat/rpc';
import { type OpsServer, type Service, startOpsServer, stopInOrder, type Telemetry } from '@realchat/telemetry';
import { createTransientPublisher } from '@realchat/transients';
import type { MessagingConfig } from './config.ts';
import type { FactsContext, LogContext, MembershipContext, MessagingContext } from './context.ts';
import { purgeSendKeys } from './db/purge-send-keys.ts';
import { readEpoch } from './db/read-log.ts';
import { createReadTeller } from './db/read-teller.ts';
import { createSendLane } from './db/send-lane.ts';
import { tellReads } from './db/tell-reads.ts';
import { createDeliveredTeller } from './delivered-teller.ts';
import { createEvents } from './events.ts';
import { addMembers } from './rpc/add-members.ts';
import { checkMembership } from './rpc/check-membership.ts';
import { createConversation } from './rpc/create-conversation.ts';
import { findCompanions } from './rpc/find-companions.ts';
import { getConversation } from './rpc/get-conversation.ts';
import { getMessage } from './rpc/get-message.ts';
import { getMessageFacts } from './rpc/get-message-facts.ts';
import { leaveConversation } from './rpc/leave-conversation.ts';
import { listConversations } from './rpc/list-conversations.ts';
import { listLeftConversations } from './rpc/list-left-conversations.ts';
import { listMembers } from './rpc/list-members.ts';
import { listMessages } from './rpc/list-messages.ts';
import { markDelivered } from './rpc/mark-delivered.ts';
import { markRead } from './rpc/mark-read.ts';
import { readHeads } from './rpc/read-heads.ts';
import { readLog } from './rpc/read-log.ts';
import { readSession } from './rpc/read-session.ts';
import { removeMember } from './rpc/remove-member.ts';
import { sendMessage } from './rpc/send-message.ts';
import { updateConversation } from './rpc/update-conversation.ts';
import { updateMemberRole } from './rpc/update-member-role.ts';
import { createUnreadAudit } from './unread-audit.ts';

const RETIRE_MS = 2_500;
const GRACE_MS = 5_000;
const PURGE_EVERY_MS = 60_000;
const PURGE_ROWS = 5_000;
const READS_PER_ROUND = 256;

/** The messaging process: conversations and messages to the edge, the log to the mesh. */
export interface MessagingService extends Service {
  /** The ports that were bound. */
  readonly ports: { grpc: number; internal: number; ops: number };
}

export function createMessagingService(config: MessagingConfig, telemetry: Telemetry): MessagingService {
  const { log, metrics } = telemetry;
  const identity = openIdentity(config, 'messaging', telemetry);
  const pool = createPool({ url: config.DATABASE_URL, size: config.DATABASE_POOL_SIZE, name: 'messaging', log });
  const hinter = createHinter({ url: config.DATABASE_URL, log });
  const committed = (shards: Iterable<number>) => hinter.hint(shards);
  const sendLane = createSendLane({
    url: config.DATABASE_URL,
    log,
    committed,
    observeBatch: (size) => events.batchCommitted(size),
  });
  const events = createEvents(metrics, log, () => sendLane.depth);
  const readTeller = createReadTeller({
    tell: () => tellReads(pool, READS_PER_ROUND),
    told({ count, shards }) {
      committed(shards);
      events.readsTold(count);
    },
    failed: (error) => events.readsDelayed(error),
  });
  const accounts = createGrpcClient(AccountService, config.AUTH_INTERNAL, { identity, deadlineMs: 2_000 });
  const transients = createTransientPublisher({ redisUrl: config.REDIS_URL, log, metrics });
  const deliveredTeller = createDeliveredTeller((transient) => transients.publish(transient));
  const context: MessagingContext = {
    pool,
    sendLane,
    readTeller,
    deliveredTeller,
    accounts,
    events,
    maxConversationsPerUser: config.MAX_CONVERSATIONS_PER_USER,
    committed,
  };
  const logContext: LogContext = { pool, epoch: '' };

  const keys = openKeyCache(config, identity, log);
  const revocations = createRevocations({ redisUrl: config.REDIS_URL, log, metrics });
  const tokens = createTokenVerifier({
    keys,
    issuer: config.TOKEN_ISSUER,
    audience: config.TOKEN_AUDIENCE,
    revoked: (sessionId) => revocations.isRevoked(sessionId),
  });
  const callMetrics = createCallMetrics(metrics);
  const reflect = config.REALCHAT_MODE === 'development' ? [...PUBLIC_SERVICES] : [];
  const edge = createGrpcServer({
    listen: config.GRPC_LISTEN,
    identity,
    implementations: publicServices(context),
    tokens,
    reflect,
    classify,
    log,
    metrics: callMetrics,
  });
  const internal = createGrpcServer({
    listen: config.INTERNAL_LISTEN,
    identity,
    implementations: [logService(logContext), membershipService({ pool }), factsService({ pool })],
    classify,
    log,
    metrics: callMetrics,
  });
  const unreadAudit = createUnreadAudit({
    everyMs: config.UNREAD_AUDIT_SECONDS * 1_000,
    pool,
    audited: (conversationId, found) => events.conversationAudited(conversationId, found),
    failed: (error) => log.info({ err: error }, 'conversations are compared with their events later'),
  });
  let ops: OpsServer | undefined;
  let purging: NodeJS.Timeout | undefined;

  return {
    get ports() {
      return { grpc: edge.port, internal: internal.port, ops: ops?.port ?? 0 };
    },
    async start() {
      logContext.epoch = await readEpoch(pool);
      await Promise.all([keys.start(), revocations.start()]);
      await internal.start();
      readTeller.start();
      transients.start();
      await edge.start();
      unreadAudit.start();
      purging = setInterval(() => {
        purgeSendKeys(pool, PURGE_ROWS)
          .then((count) => events.keysPurged(count))
          .catch((error: unknown) => log.warn({ err: error }, 'purge failed'));
      }, PURGE_EVERY_MS);
      ops = await startOpsServer({ listen: config.OPS_LISTEN, metrics, problems: () => problems(pool, keys.ready()) });
    },
    stop: () =>
      stopInOrder(log, [
        ['callers', RETIRE_MS, () => Promise.all([edge.retire(), internal.retire()])],
        ['grpc', GRACE_MS + 500, () => edge.stop(GRACE_MS)],
        ['internal grpc', 1_500, () => internal.stop(1_000)],
        ['purge', 100, () => clearInterval(purging)],
        ['unread audit', 1_000, () => unreadAudit.stop()],
        ['read positions', 2_000, () => readTeller.stop()],
        ['delivered positions', 100, () => deliveredTeller.stop()],
        ['transients', 100, () => transients.stop()],
        ['send lane', 2_000, () => sendLane.stop()],
        ['hints', 500, () => hinter.stop()],
        ['revocations', 100, () => revocations.stop()],
        ['keys', 100, () => keys.stop()],
        ['identity', 100, () => identity?.stop()],
        ['accounts', 100, () => accounts.close()],
        ['database', 1_000, () => pool.end()],
        ['ops', 500, () => ops?.stop()],
      ]),
  };
}

function publicServices(context: MessagingContext) {
  return [
    implement(ConversationService, {
      createConversation: (call, request) => createConversation(context, call, request),
      getConversation: (call, request) => getConversation(context, call, request),
      listConversations: (call, request) => listConversations(context, call, request),
      listLeftConversations: (call, request) => listLeftConversations(context, call, request),
      updateConversation: (call, request) => updateConversation(context, call, request),
      listMembers: (call, request) => listMembers(context, call, request),
      addMembers: (call, request) => addMembers(context, call, request),
      removeMember: (call, request) => removeMember(context, call, request),
      leaveConversation: (call, request) => leaveConversation(context, call, request),
      updateMemberRole: (call, request) => updateMemberRole(context, call, request),
    }),
    implement(MessageService, {
      sendMessage: (call, request) => sendMessage(context, call, request),
      listMessages: (call, request) => listMessages(context, call, request),
      getMessage: (call, request) => getMessage(context, call, request),
      markRead: (call, request) => markRead(context, call, request),
      markDelivered: (call, request) => markDelivered(context, call, request),
    }),
  ];
}

function logService(context: LogContext) {
  return implement(LogService, {
    readHeads: () => readHeads(context),
    readLog: (_call, request) => readLog(context, request),
    readSession: (_call, request) => readSession(context, request),
  });
}

function membershipService(context: MembershipContext) {
  return implement(MembershipService, {
    checkMembership: (_call, request) => checkMembership(context, request),
    findCompanions: (_call, request) => findCompanions(context, request),
  });
}

function factsService(context: FactsContext) {
  return implement(MessageFactsService, {
    getMessageFacts: (_call, request) => getMessageFacts(context, request),
  });
}

function classify(error: unknown): RpcError | undefined {
  if (isDatabaseUnavailable(error)) return unavailable('the message store is away; nothing is lost, retry', error);
  if (isCalleeUnavailable(error)) return unavailable('a service that this call needs is away; retry', error);
  return undefined;
}

async function problems(pool: Pool, keysReady: boolean): Promise<string[]> {
  const found = keysReady ? [] : ['no token keys yet'];
  await pool.query('select 1').catch(() => found.push('the database does not answer'));
  return found;
}
