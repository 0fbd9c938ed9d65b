import { timestampMs } from '@bufbuild/protobuf/wkt';
import { MessageFactsService } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import { refusalOf } from '@realchat/testkit';
import { createTestClient, type TestClient } from '@realchat/testkit/rpc-client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shardOf } from '../domain/shard.ts';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
let facts: TestClient<typeof MessageFactsService>;
beforeAll(async () => {
  fixture = await createFixture();
  facts = createTestClient(MessageFactsService, fixture.service.ports.internal);
});
afterAll(() => fixture.stop());

async function pair(): Promise<[User, User, User]> {
  return (await fixture.users(3)) as [User, User, User];
}

test('a message is found by its id alone, where it stands in the log, without what it says', async () => {
  const [ada, bob] = await pair();
  const conversationId = await fixture.group(ada, [bob]);
  const before = Date.now();
  const { messageId, seq, number } = await fixture.send(ada, conversationId, 'a secret of two');
  const found = await facts.getMessageFacts({ messageId, userId: bob.id });
  const { rows } = await fixture.db.query<{ position: bigint }>('select position from event where event_id = $1', [
    messageId,
  ]);
  expect(found).toMatchObject({
    conversationId,
    seq,
    number,
    shard: shardOf(conversationId),
    position: rows[0]?.position,
    publishedPosition: 0n,
    relayOwner: '',
    relayAlive: false,
    markedDelivered: false,
    markedRead: false,
    stints: [{ joinedSeq: 1n, leftSeq: 0n }],
  });
  expect(Math.abs((found.commitTime ? timestampMs(found.commitTime) : 0) - before)).toBeLessThan(60_000);
  expect(JSON.stringify(found, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    'secret',
  );
});

test('the stints of the user are told, of whoever left and came back, and none of a stranger', async () => {
  const [ada, bob, eve] = await pair();
  const conversationId = await fixture.group(ada, [bob]);
  await ada.conversations.removeMember({ conversationId, userId: bob.id });
  const { messageId, seq } = await fixture.send(ada, conversationId);
  await ada.conversations.addMembers({ conversationId, userIds: [bob.id] });
  expect((await facts.getMessageFacts({ messageId, userId: bob.id })).stints).toMatchObject([
    { joinedSeq: 1n, leftSeq: seq - 1n },
    { joinedSeq: seq + 1n, leftSeq: 0n },
  ]);
  expect((await facts.getMessageFacts({ messageId, userId: eve.id })).stints).toEqual([]);
});

test('who publishes the shard, how far, and whether the lease is in force', async () => {
  const [ada, bob] = await pair();
  const conversationId = await fixture.group(ada, [bob]);
  const { messageId } = await fixture.send(ada, conversationId);
  const ask = () => facts.getMessageFacts({ messageId, userId: bob.id });
  await fixture.db.query(
    `insert into relay_shard (shard, published, owner, lease_until) values ($1, 7, 'relay-1', now() + interval '1 minute')`,
    [shardOf(conversationId)],
  );
  expect(await ask()).toMatchObject({ publishedPosition: 7n, relayOwner: 'relay-1', relayAlive: true });
  await fixture.db.query(`update relay_shard set lease_until = now() - interval '1 second'`);
  const late = await ask();
  expect(late).toMatchObject({ relayOwner: 'relay-1', relayAlive: false });
  expect(late.relayLeaseEndTime).toBeDefined();
});

test('what the user has said of it is told: received, read', async () => {
  const [ada, bob] = await pair();
  const conversationId = await fixture.group(ada, [bob]);
  const { messageId, number } = await fixture.send(ada, conversationId);
  const ask = () => facts.getMessageFacts({ messageId, userId: bob.id });
  await bob.messages.markDelivered({ conversationId, number });
  expect(await ask()).toMatchObject({ markedDelivered: true, markedRead: false });
  await bob.messages.markRead({ conversationId, number });
  expect(await ask()).toMatchObject({ markedDelivered: true, markedRead: true });
});

test('what is no message is not found: an id of nothing, and that of another event', async () => {
  const [ada, bob] = await pair();
  const conversationId = await fixture.group(ada, [bob]);
  const { rows } = await fixture.db.query<{ event_id: string }>(
    'select event_id from event where conversation_id = $1',
    [conversationId],
  );
  for (const messageId of [uuidv7(), rows[0]?.event_id ?? '']) {
    const refusal = await refusalOf(facts.getMessageFacts({ messageId, userId: bob.id }));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', reason: 'MESSAGE_NOT_FOUND' });
  }
});
