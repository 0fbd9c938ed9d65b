import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventSource, PushState } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import { DeliveryService } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import { ConversationService } from '@realchat/gen/realchat/messaging/v1/conversation_service';
import {
  DeliveryReason,
  type DeliveryStep,
  DeliveryStepKind,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';
import {
  DeliveryOutcome,
  type ExplainDeliveryResponse,
  ExplainService,
} from '@realchat/gen/realchat/operations/v1/explain_service';
import { inEvery } from '@realchat/stack';
import { until } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallFailure } from './clients/caller.ts';
import { createGrpcCaller } from './clients/grpc-caller.ts';
import type { Subscription } from './clients/subscription.ts';
import { newPassword, newUsername, User } from './clients/user.ts';
import { useMesh } from './support/mesh.ts';
import { realchat, realchatJson } from './support/realchat.ts';

const { DONE, NOT_DONE, UNKNOWN, NOT_APPLICABLE } = DeliveryStepState;
const SECRET = 'words that no operator reads';
const PASSWORD = newPassword();

const mesh = useMesh({}, inEvery(2));
const folder = mkdtempSync(join(tmpdir(), 'realchat-explain-'));
const users: User[] = [];
let operator: User;
let sender: User;

beforeAll(async () => {
  sender = await newUser();
  operator = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  users.push(operator);
  const username = newUsername();
  await operator.register(username, PASSWORD);
  const granted = await realchat(mesh(), folder, ['ops', 'grant', operator.userId]);
  expect(granted, granted.stderr).toMatchObject({ exitCode: 0 });
  const login = await realchat(mesh(), folder, ['login', username], { REALCHAT_PASSWORD: PASSWORD });
  expect(login, login.stderr).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await Promise.all(users.map((user) => user.close()));
  rmSync(folder, { recursive: true, force: true });
});

async function newUser(): Promise<User> {
  const user = new User(createGrpcCaller(mesh().tlsAddress, mesh().certificateAuthority));
  users.push(user);
  await user.register(newUsername(), PASSWORD);
  return user;
}

/** A new user in a new group with the sender. */
async function newMember(): Promise<{ user: User; conversationId: string }> {
  const user = await newUser();
  return { user, conversationId: await sender.createConversation({ title: 'A group', members: [user.userId] }) };
}

const explain = (messageId: string, { userId }: { userId: string }, as = operator) =>
  as.call(ExplainService.method.explainDelivery, { messageId, userId });

const step = ({ steps }: ExplainDeliveryResponse, kind: DeliveryStepKind) => steps[kind - 1] as DeliveryStep;
const states = ({ steps }: ExplainDeliveryResponse) => steps.map(({ state }) => state);
const pushed = (answer: ExplainDeliveryResponse) => step(answer, DeliveryStepKind.PUSHED);
const nodesOf = (answer: ExplainDeliveryResponse) => {
  const { facts } = step(answer, DeliveryStepKind.READ);
  return facts.case === 'read' ? facts.value : undefined;
};

/** Sends, and waits for it on the stream. */
async function sendTo(stream: Subscription, conversationId: string): Promise<string> {
  const { messageId } = await sender.send(conversationId, SECRET);
  await until('it is pushed', () => stream.messages.some((message) => message.messageId === messageId), 20_000);
  return messageId;
}

test('a message to an online user is followed from its commit to the cursor that the device acknowledged', async () => {
  const { user, conversationId } = await newMember();
  const stream = await user.subscribe();
  const messageId = await sendTo(stream, conversationId);
  await until('the relay has published it', async () => states(await explain(messageId, user))[2] === DONE);
  const before = await explain(messageId, user);
  expect(before).toMatchObject({ outcome: DeliveryOutcome.PUSHED, stoppedAt: DeliveryStepKind.ACKNOWLEDGED });
  expect(states(before)).toEqual([DONE, DONE, DONE, DONE, DONE, NOT_DONE]);

  const covered = () => stream.frames.at(-1)?.frame.case === 'checkpoint' && stream.cursor;
  const cursor = await until('a checkpoint covers it', covered);
  await user.call(DeliveryService.method.acknowledgeCursor, { cursor });
  const acknowledged = async () => (await explain(messageId, user)).outcome === DeliveryOutcome.ACKNOWLEDGED;
  await until('it is acknowledged', acknowledged);

  const [told] = await realchatJson(mesh(), folder, ['explain', messageId, user.username]);
  expect(told).toMatchObject({
    messageId,
    userId: user.userId,
    outcome: 'acknowledged',
    stoppedAt: null,
    steps: [
      { step: 'committed', state: 'done', facts: { conversationId, seq: '2', number: '1' } },
      { step: 'visible', state: 'done', facts: { stints: [{ joinedSeq: '1', leftSeq: '0' }] } },
      { step: 'published', state: 'done', facts: { offset: expect.stringMatching(/^\d+$/) } },
      { step: 'read', state: 'done', facts: { nodes: [{ source: 'kafka' }, { source: 'kafka' }], unreachable: [] } },
      { step: 'pushed', state: 'done', facts: { streams: [{ deviceId: user.deviceId, push: 'pushed' }] } },
      { step: 'acknowledged', state: 'done', facts: { devices: [{ deviceId: user.deviceId }] } },
    ],
  });
  const words = await realchat(mesh(), folder, ['explain', messageId, user.userId]);
  expect(words.stdout.split('\n')[0]).toBe('acknowledged');
  expect(words.stdout + JSON.stringify(told)).not.toContain(SECRET);
});

test('to an offline user it stops before the push, and so it does for whoever comes later without a cursor', async () => {
  const { user, conversationId } = await newMember();
  const { messageId } = await sender.send(conversationId, SECRET);
  const read = async () => states(await explain(messageId, user))[3] === DONE;
  await until('it is read by a node', read);
  const offline = await explain(messageId, user);
  expect(offline).toMatchObject({ outcome: DeliveryOutcome.STOPPED, stoppedAt: DeliveryStepKind.PUSHED });
  expect(pushed(offline)).toMatchObject({ state: NOT_DONE, reason: DeliveryReason.NO_SESSION });
  await user.subscribe();
  expect(pushed(await explain(messageId, user))).toMatchObject({ reason: DeliveryReason.SUBSCRIBED_LATER });
});

test('without a relay it is not published, and pushed all the same, from the database', async () => {
  const { user, conversationId } = await newMember();
  const stream = await user.subscribe();
  const relays = [mesh().stack.process('relay'), mesh().stack.process('relay-2')];
  await Promise.all(relays.map((relay) => relay.stop()));
  const messageId = await sendTo(stream, conversationId);
  const answer = await explain(messageId, user);
  expect(states(answer).slice(0, 5)).toEqual([DONE, DONE, NOT_DONE, DONE, DONE]);
  expect(step(answer, DeliveryStepKind.PUBLISHED)).toMatchObject({
    reason: DeliveryReason.NO_RELAY,
    facts: { value: { offset: -1n } },
  });
  expect(answer.stoppedAt).toBe(DeliveryStepKind.ACKNOWLEDGED);
  expect(nodesOf(answer)?.nodes.map(({ source }) => source)).toContain(EventSource.DATABASE);
  await Promise.all(relays.map((relay) => relay.start()));
  await until('it is published', async () => states(await explain(messageId, user))[2] === DONE, 30_000);
});

test('who may not see it is told apart: a stranger, one who joined later, one who had left', async () => {
  const { user, conversationId } = await newMember();
  const [stranger, late] = [await newUser(), await newUser()];
  const { messageId } = await sender.send(conversationId, SECRET);
  const members = { conversationId, userIds: [late.userId] };
  await sender.call(ConversationService.method.addMembers, members);
  await sender.call(ConversationService.method.removeMember, { conversationId, userId: user.userId });
  const { messageId: after } = await sender.send(conversationId, SECRET);
  const told: [string, User, DeliveryReason][] = [
    [messageId, stranger, DeliveryReason.NEVER_A_MEMBER],
    [messageId, late, DeliveryReason.SENT_BEFORE_JOINING],
    [after, user, DeliveryReason.SENT_AFTER_LEAVING],
  ];
  for (const [id, whom, reason] of told) {
    const answer = await explain(id, whom);
    expect(answer).toMatchObject({ outcome: DeliveryOutcome.NOT_VISIBLE, stoppedAt: DeliveryStepKind.VISIBLE });
    expect(step(answer, DeliveryStepKind.VISIBLE)).toMatchObject({ state: NOT_DONE, reason });
    expect(pushed(answer).state).toBe(NOT_APPLICABLE);
  }
});

test('a message that there is not is not found, and who is no operator is refused', async () => {
  const failure = (answer: Promise<unknown>) => answer.catch((error: CallFailure) => error);
  expect(await failure(explain(randomUUID(), sender))).toMatchObject({
    code: 'NOT_FOUND',
    reason: 'MESSAGE_NOT_FOUND',
  });
  expect(await failure(explain(randomUUID(), sender, sender))).toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'NOT_AN_OPERATOR',
  });
  expect(await realchat(mesh(), folder, ['explain', randomUUID(), sender.userId])).toMatchObject({ exitCode: 1 });
});

test('what a node knew goes with it: unknown while it is down and after it came back, never guessed', async () => {
  const { user, conversationId } = await newMember();
  const stream = await user.subscribe();
  const messageId = await sendTo(stream, conversationId);
  const facts = pushed(await explain(messageId, user)).facts;
  const [known] = facts.case === 'pushed' ? facts.value.streams : [];
  expect(known?.stream?.push).toBe(PushState.PUSHED);
  await until('a checkpoint covers it', () => stream.frames.at(-1)?.frame.case === 'checkpoint');
  await stream.stop();
  const node = mesh().stack.process(known?.nodeId === 'delivery-2' ? 'delivery-2' : 'delivery');
  await node.kill('SIGKILL', { restart: false });
  const down = await explain(messageId, user);
  expect(pushed(down)).toMatchObject({ state: UNKNOWN, reason: DeliveryReason.NODE_UNREACHABLE });
  expect(nodesOf(down)).toMatchObject({ nodes: [{}], unreachable: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)] });
  await node.start();
  const back = await until('the node is reached again', async () => {
    const answer = await explain(messageId, user);
    return pushed(answer).reason !== DeliveryReason.NODE_UNREACHABLE && answer;
  });
  expect(pushed(back)).toMatchObject({ state: UNKNOWN, reason: DeliveryReason.NODE_STARTED_LATER });
  expect(back).toMatchObject({ outcome: DeliveryOutcome.UNKNOWN, stoppedAt: DeliveryStepKind.ACKNOWLEDGED });
  // A device that comes back with its cursor is beyond it; what brought it there is not known either.
  await user.subscribe(stream.cursor);
  expect(pushed(await explain(messageId, user))).toMatchObject({
    state: UNKNOWN,
    reason: DeliveryReason.CURSOR_BEYOND,
  });
});

test('what was said on a day is counted for operators alone', async () => {
  const counted = async () => (await realchatJson(mesh(), folder, ['activity'])).length > 0;
  await until('activity is counted', counted, 30_000);
  const [busiest] = await realchatJson(mesh(), folder, ['activity', '--limit', '1']);
  expect(busiest).toMatchObject({ messages: expect.stringMatching(/^[1-9]/), activeMembers: 1 });
  expect(await realchat(mesh(), folder, ['activity', '--day', '2026-02-30'])).toMatchObject({ exitCode: 1 });
});
