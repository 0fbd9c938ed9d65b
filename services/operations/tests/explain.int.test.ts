import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { PushState, type StreamFactsSchema } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import {
  DeliveryFactsService,
  type GetDeliveryFactsRequest,
  type GetDeliveryFactsResponseSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import {
  DeliveryReason,
  type DeliveryStep,
  DeliveryStepKind,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';
import { DeliveryOutcome, ExplainService } from '@realchat/gen/realchat/operations/v1/explain_service';
import { Code, createGrpcServer, type GrpcServer, type Implementation, implement, RpcError } from '@realchat/rpc';
import { refusalOf, silentTelemetry, startKafka, type TestKafka } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type OperationsFixture, startOperations } from './operations-fixture.ts';

type NodeAnswer = MessageInitShape<typeof GetDeliveryFactsResponseSchema>;

const MESSAGE = randomUUID();
const servers: GrpcServer[] = [];
let kafka: TestKafka;
let fixture: OperationsFixture;
let explains: TestClient<typeof ExplainService>;
let asked: GetDeliveryFactsRequest[] = [];
let messagingAway = false;
/** What the second node does. */
let second: () => Promise<NodeAnswer>;
let secondAddress: string;

beforeAll(async () => {
  kafka = await startKafka();
  const messaging = await serve(
    implement(MessageFactsService, {
      async getMessageFacts(_call, { messageId }) {
        if (messagingAway) throw new RpcError(Code.UNAVAILABLE, 'AWAY', 'away');
        if (messageId !== MESSAGE) throw new RpcError(Code.NOT_FOUND, 'MESSAGE_NOT_FOUND', 'no such message');
        const stints = [{ joinedSeq: 1n }];
        const place = { conversationId: randomUUID(), seq: 2n, number: 1n, shard: 4, position: 9n };
        return { ...place, commitTime: timestampFromMs(1_000), publishedPosition: 9n, relayAlive: true, stints };
      },
    }),
  );
  const node = (answer: () => Promise<NodeAnswer>) =>
    serve(
      implement(DeliveryFactsService, {
        getDeliveryFacts(_call, request) {
          asked.push(request);
          return answer();
        },
      }),
    );
  const firstAddress = await node(async () => answerOf('one'));
  secondAddress = await node(() => second());
  fixture = await startOperations(kafka.broker, {
    MESSAGING_INTERNAL: messaging,
    DELIVERY_INTERNAL: `${firstAddress},${secondAddress}`,
  });
  explains = createTestClient(ExplainService, fixture.service.ports.grpc, await fixture.tokenOf(fixture.operatorId));
});
afterEach(() => {
  asked = [];
  messagingAway = false;
});
afterAll(async () => {
  await fixture?.stop();
  await Promise.all(servers.map((server) => server.stop(0)));
  await kafka?.stop();
});

async function serve(implementation: Implementation): Promise<string> {
  const listen = { host: '127.0.0.1', port: 0 };
  const server = createGrpcServer({
    identity: undefined,
    listen,
    implementations: [implementation],
    ...silentTelemetry(),
  });
  await server.start();
  servers.push(server);
  return `127.0.0.1:${server.port}`;
}

function answerOf(nodeId: string, ...streams: MessageInitShape<typeof StreamFactsSchema>[]): NodeAnswer {
  return { node: { nodeId, tailPosition: 9n, startPosition: 1n, offset: 5n }, devicesKnown: true, streams };
}

async function audited(): Promise<unknown[]> {
  const { rows } = await fixture.db.query(
    `select user_id, action, subject from operator_action where action = 'explain-delivery'`,
  );
  return rows;
}

function stepOf(steps: readonly DeliveryStep[], kind: DeliveryStepKind): DeliveryStep | undefined {
  return steps.find((step) => step.kind === kind);
}

test('every node is asked for the place that messaging tells, the steps are of them all, and it is audited', async () => {
  const userId = randomUUID();
  const pushed = { deviceId: 'phone', openTime: timestampFromMs(500), push: PushState.PUSHED };
  second = async () => answerOf('two', { ...pushed, pushTime: timestampFromMs(1_005) });
  const answer = await explains.explainDelivery({ messageId: MESSAGE, userId });
  expect(asked).toMatchObject(Array(2).fill({ userId, shard: 4, position: 9n, commitTime: timestampFromMs(1_000) }));
  expect(answer).toMatchObject({ outcome: DeliveryOutcome.PUSHED, stoppedAt: DeliveryStepKind.ACKNOWLEDGED });
  expect(answer.steps.map(({ kind }) => kind)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(stepOf(answer.steps, DeliveryStepKind.PUBLISHED)?.facts.value).toMatchObject({ partition: 4, offset: 5n });
  expect(stepOf(answer.steps, DeliveryStepKind.READ)?.facts.value).toMatchObject({
    nodes: [{ nodeId: 'one' }, { nodeId: 'two' }],
    unreachable: [],
  });
  expect(stepOf(answer.steps, DeliveryStepKind.PUSHED)).toMatchObject({
    state: DeliveryStepState.DONE,
    facts: { value: { streams: [{ nodeId: 'two', stream: { deviceId: 'phone' } }] } },
  });
  expect(await audited()).toContainEqual({
    user_id: fixture.operatorId,
    action: 'explain-delivery',
    subject: `${MESSAGE} to ${userId}`,
  });
});

test('a node that hangs is told as unknown, and the answer comes in time', async () => {
  second = () => new Promise(() => {});
  const before = performance.now();
  const answer = await explains.explainDelivery({ messageId: MESSAGE, userId: randomUUID() });
  expect(performance.now() - before).toBeLessThan(4_000);
  expect(stepOf(answer.steps, DeliveryStepKind.READ)?.facts.value).toMatchObject({
    nodes: [{ nodeId: 'one' }],
    unreachable: [secondAddress],
  });
  expect(stepOf(answer.steps, DeliveryStepKind.PUSHED)).toMatchObject({
    state: DeliveryStepState.UNKNOWN,
    reason: DeliveryReason.NODE_UNREACHABLE,
  });
  expect(answer.outcome).toBe(DeliveryOutcome.UNKNOWN);
});

test('a message that does not exist is not found, and no node is asked', async () => {
  const refusal = await refusalOf(explains.explainDelivery({ messageId: randomUUID(), userId: randomUUID() }));
  expect(refusal).toMatchObject({ code: 'NOT_FOUND', reason: 'MESSAGE_NOT_FOUND' });
  expect(asked).toEqual([]);
});

test('with messaging away it is to be asked again', async () => {
  messagingAway = true;
  const refusal = await refusalOf(explains.explainDelivery({ messageId: MESSAGE, userId: randomUUID() }));
  expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'DEPENDENCY_UNAVAILABLE' });
});

test('is for operators: of others nobody is asked, and nothing is audited', async () => {
  const before = await audited();
  const user = createTestClient(ExplainService, fixture.service.ports.grpc, await fixture.tokenOf(randomUUID()));
  expect(await refusalOf(user.explainDelivery({ messageId: MESSAGE, userId: randomUUID() }))).toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'NOT_AN_OPERATOR',
  });
  expect([asked, await audited()]).toEqual([[], before]);
});
