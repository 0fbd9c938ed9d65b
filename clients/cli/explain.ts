import type { RealChat } from '@realchat/client';
import { EventSource, PushState } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import {
  DeliveryReason,
  type DeliveryStep,
  DeliveryStepKind,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';
import { DeliveryOutcome, ExplainService } from '@realchat/gen/realchat/operations/v1/explain_service';
import { CommandFailure, exitCodes, UsageError } from './exit-codes.ts';
import { type Output, printable } from './output.ts';
import { iso, nameIn } from './words.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Prints what became of a message on its way to a user, a line for each step; with --json one object of all. */
export async function explain(
  operands: readonly string[],
  login: () => Promise<RealChat>,
  output: Output,
): Promise<void> {
  const [messageId = '', user = '', ...more] = operands;
  if (!UUID.test(messageId) || !user || more.length > 0) {
    throw new UsageError('explain takes the id of a message, and the id or username of a user');
  }
  const chat = await login();
  const userId = UUID.test(user) ? user.toLowerCase() : await userIdOf(chat, user);
  const answer = await chat.service(ExplainService).explainDelivery({ messageId: messageId.toLowerCase(), userId });
  const outcome = nameIn(DeliveryOutcome, answer.outcome);
  const stoppedAt = answer.stoppedAt ? nameIn(DeliveryStepKind, answer.stoppedAt) : null;
  const steps = answer.steps.map(stepFields);
  const lines = [`${outcome}${stoppedAt ? `, stopped at ${stoppedAt}` : ''}`, ...answer.steps.flatMap(stepLines)];
  const time = iso(answer.explainTime);
  output.data({ messageId, userId, outcome, stoppedAt, steps, explainTime: time }, lines.join('\n'));
}

async function userIdOf(chat: RealChat, username: string): Promise<string> {
  const { profile } = await chat.profiles.getProfile({ key: { case: 'username', value: username } });
  if (!profile) throw new CommandFailure(exitCodes.refused, `there is no user ${username}`);
  return profile.userId;
}

function stepFields({ kind, state, reason, detail, doneTime, facts }: DeliveryStep): Record<string, unknown> {
  return {
    step: nameIn(DeliveryStepKind, kind),
    state: nameIn(DeliveryStepState, state),
    reason: reason ? nameIn(DeliveryReason, reason) : null,
    detail,
    doneTime: iso(doneTime) ?? null,
    facts: factFields(facts),
  };
}

function factFields({ case: kind, value }: DeliveryStep['facts']): Record<string, unknown> {
  switch (kind) {
    case 'committed': {
      const { conversationId, seq, number, shard, position } = value;
      return { conversationId, seq: String(seq), number: String(number), shard, position: String(position) };
    }
    case 'visible':
      return {
        stints: value.stints.map(({ joinedSeq, leftSeq }) => ({
          joinedSeq: String(joinedSeq),
          leftSeq: String(leftSeq),
        })),
      };
    case 'published': {
      const { topic, partition, offset, publishedPosition, relayOwner, relayLeaseEndTime } = value;
      const relay = { relayOwner, relayLeaseEndTime: iso(relayLeaseEndTime) ?? null };
      return { topic, partition, offset: String(offset), publishedPosition: String(publishedPosition), ...relay };
    }
    case 'read':
      return { nodes: value.nodes.map(nodeFields), unreachable: value.unreachable };
    case 'pushed':
      return { streams: value.streams.flatMap(({ nodeId, stream }) => (stream ? streamFields(nodeId, stream) : [])) };
    case 'acknowledged': {
      const { markedDelivered, markedRead } = value;
      return { devices: value.devices.map(deviceFields), markedDelivered, markedRead };
    }
    default:
      return {};
  }
}

type FactsOf<Kind extends DeliveryStep['facts']['case']> =
  Extract<DeliveryStep['facts'], { case: Kind }> extends {
    value: infer Value;
  }
    ? Value
    : never;
type Node = FactsOf<'read'>['nodes'][number];
type Stream = NonNullable<FactsOf<'pushed'>['streams'][number]['stream']>;
type Device = FactsOf<'acknowledged'>['devices'][number];

function nodeFields({ nodeId, tailPosition, startPosition, startTime, readTime, source, offset }: Node) {
  return {
    nodeId,
    tailPosition: String(tailPosition),
    startPosition: String(startPosition),
    startTime: iso(startTime) ?? null,
    readTime: iso(readTime) ?? null,
    source: source ? nameIn(EventSource, source) : null,
    offset: String(offset),
  };
}

function streamFields(nodeId: string, stream: Stream) {
  const { deviceId, push, backfill, waitingFrames, endReason } = stream;
  return {
    nodeId,
    deviceId,
    push: nameIn(PushState, push),
    pushTime: iso(stream.pushTime) ?? null,
    backfill,
    waitingFrames: String(waitingFrames),
    openTime: iso(stream.openTime) ?? null,
    liveTime: iso(stream.liveTime) ?? null,
    endTime: iso(stream.endTime) ?? null,
    endReason,
  };
}

function deviceFields({ deviceId, acknowledgedPosition, acknowledgeTime, lastSeenTime }: Device) {
  return {
    deviceId,
    acknowledgedPosition: String(acknowledgedPosition),
    acknowledgeTime: iso(acknowledgeTime) ?? null,
    lastSeenTime: iso(lastSeenTime) ?? null,
  };
}

const NO_TIME = ' '.repeat('2026-11-25T12:00:00.000Z'.length);

/** The step, and a line for each stream that was known. */
function stepLines(step: DeliveryStep): string[] {
  const { kind, state, reason, detail, doneTime, facts } = step;
  const stateName = nameIn(DeliveryStepState, state).padEnd('not-applicable'.length);
  const why = reason ? `${nameIn(DeliveryReason, reason)}: ` : '';
  const name = nameIn(DeliveryStepKind, kind).padEnd('acknowledged'.length);
  const line = `${name}  ${stateName}  ${iso(doneTime) ?? NO_TIME}  ${why}${printable(detail)}`;
  if (facts.case !== 'pushed') return [line];
  const streams = facts.value.streams.flatMap(({ nodeId, stream }) => (stream ? streamLine(nodeId, stream) : []));
  return [line, ...streams];
}

function streamLine(nodeId: string, { deviceId, openTime, endTime, push, pushTime }: Stream): string {
  const until = endTime ? `to ${iso(endTime)}` : 'open';
  const what = `${nameIn(PushState, push)} ${iso(pushTime) ?? ''}`.trimEnd();
  return printable(`  stream of ${deviceId} on ${nodeId}, from ${iso(openTime)}, ${until}: ${what}`);
}
