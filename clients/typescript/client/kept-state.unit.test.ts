import { create } from '@bufbuild/protobuf';
import { MessageSchema } from '@realchat/gen/realchat/messaging/v1/message';
import { describe, expect, it } from 'vitest';
import { type ChatStore, memoryStore, webStore } from './chat-store.ts';
import { KeptState } from './kept-state.ts';

const ignore = () => {};

describe('KeptState', () => {
  it('makes a device id once, and keeps it', async () => {
    const store = memoryStore();
    const made = await new KeptState(store, ignore).deviceId(undefined);
    expect(made).toMatch(/^[0-9a-f-]{32,36}$/);
    expect(await new KeptState(store, ignore).deviceId(undefined)).toBe(made);
    expect(await new KeptState(store, ignore).deviceId('given')).toBe('given');
  });

  it('gives back the place of each user as it was kept', async () => {
    const kept = new KeptState(memoryStore(), ignore);
    const place = { cursor: Uint8Array.of(0, 255, 7), marks: new Map([['c', 9_007_199_254_740_993n]]) };
    await kept.keepPlace('ann', place);
    expect(await kept.place('ann')).toEqual(place);
    expect((await kept.place('bob')).cursor).toHaveLength(0);
    await kept.keepPlace('ann', undefined);
    expect((await kept.place('ann')).cursor).toHaveLength(0);
  });

  it('writes one after the other, and of what waits only the newest', async () => {
    const written: string[] = [];
    const slow: ChatStore = {
      get: () => undefined,
      set: async (name, text) => {
        await Promise.resolve();
        written.push(`${name} ${text ? JSON.parse(text).length : 'none'}`);
      },
    };
    const kept = new KeptState(slow, ignore);
    const pending = { clientMessageId: 'm', conversationId: 'c', text: 'hi', writtenAt: 1 };
    const first = kept.keepPending('ann', [pending]);
    void kept.keepPending('ann', [pending, pending]);
    void kept.keepPending('ann', [pending, pending, pending]);
    await kept.keepPending('ann', []);
    await first;
    expect(written).toEqual(['outbox.ann 1', 'outbox.ann none']);
  });

  it('keeps the messages of the conversations that were shown last, and lets go of the others', async () => {
    const memory = memoryStore();
    const kept = new KeptState(memory, ignore);
    const messages = [create(MessageSchema, { seq: 7n, content: { case: 'text', value: 'hello' } })];
    const page = { messages, fromSeq: 7n, throughSeq: 9n, hasMore: true };
    const ids = Array.from({ length: 25 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => kept.keepHistory('ann', id, page)));
    await kept.keepHistory('ann', 'c5', page);
    const later = new KeptState(memory, ignore);
    const found = await Promise.all(ids.map(async (id) => ((await later.history('ann', id)) ? id : undefined)));
    expect(found.filter((id) => id !== undefined)).toEqual(ids.slice(5));
    expect(await later.history('ann', 'c5')).toEqual(page);
    await later.forgetMessages('ann');
    expect(await later.history('ann', 'c5')).toBeUndefined();
  });

  it('goes on without a store that fails, and tells of it', async () => {
    const failures: unknown[] = [];
    const denied = () => {
      throw new Error('denied');
    };
    const storage = { getItem: denied, setItem: denied, removeItem: denied };
    const kept = new KeptState(webStore(storage), (error) => failures.push(error));
    expect(await kept.session()).toBeUndefined();
    expect(await kept.deviceId(undefined)).not.toBe('');
    expect(failures).toHaveLength(3);
  });
});
