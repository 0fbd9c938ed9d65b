import { describe, expect, it } from 'vitest';
import { Outbox, type Pending } from './outbox.ts';

const pending = (clientMessageId: string, conversationId = 'a'): Pending => ({
  clientMessageId,
  conversationId,
  text: `text of ${clientMessageId}`,
  writtenAt: 0,
});

describe('Outbox', () => {
  it('hands out the messages of a conversation in the order they were written, the refused ones left aside', () => {
    const outbox = new Outbox([pending('1'), pending('other', 'b'), pending('2')]);
    expect(outbox.next('a')?.clientMessageId).toBe('1');
    outbox.refuse('1', 'It is too long.');
    expect(outbox.next('a')?.clientMessageId).toBe('2');
    expect(outbox.of('a').map(({ refusal }) => refusal)).toEqual(['It is too long.', undefined]);
    outbox.retry('1');
    expect(outbox.next('a')).toEqual(pending('1'));
  });

  it('is done with a message once, and knows its own keys for good', () => {
    const outbox = new Outbox([pending('1')]);
    expect([outbox.remove('1'), outbox.remove('1')]).toEqual([true, false]);
    expect([outbox.chose('1'), outbox.chose('2')]).toEqual([true, false]);
    expect(outbox.all()).toEqual([]);
    outbox.refuse('1', 'late');
    outbox.retry('1');
    expect(outbox.all()).toEqual([]);
  });
});
