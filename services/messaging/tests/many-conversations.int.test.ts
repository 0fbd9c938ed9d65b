import { randomUUID } from 'node:crypto';
import { refusalOf } from '@realchat/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFixture, type Fixture, type User } from './messaging-fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture({ MAX_CONVERSATIONS_PER_USER: 3 });
});
afterAll(() => fixture.stop());

test('S-59: who is in as many conversations as there may be makes no further one, and gets room by leaving one', async () => {
  const [ada, bob, eve] = (await fixture.users(3)) as [User, User, User];
  const request = { conversation: { case: 'group' as const, value: { title: 'First' } }, requestId: randomUUID() };
  const first = (await ada.conversations.createConversation(request)).conversation?.conversationId ?? '';
  await fixture.group(ada, []);
  await fixture.direct(ada, bob);
  expect(await refusalOf(fixture.group(ada, []))).toMatchObject({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'TOO_MANY_CONVERSATIONS',
  });
  expect(await refusalOf(fixture.direct(ada, eve))).toMatchObject({ reason: 'TOO_MANY_CONVERSATIONS' });

  // What is there already is answered again, and others may still write to ada.
  const again = await ada.conversations.createConversation(request);
  expect(again.conversation?.conversationId).toBe(first);
  expect(await fixture.direct(ada, bob)).toBe(await fixture.direct(bob, ada));
  await fixture.direct(eve, ada);
  await fixture.group(eve, [ada]);

  for (const { conversationId } of (await ada.conversations.listConversations({})).conversations) {
    await ada.conversations.leaveConversation({ conversationId }).catch(() => {});
  }
  await fixture.group(ada, []);
});
