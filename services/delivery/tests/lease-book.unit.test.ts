import { describe, expect, test } from 'vitest';
import { LeaseBook } from '../domain/lease-book.ts';

describe('the leases of a node', () => {
  test('are one for each user and device, as long as any of its sessions is open', () => {
    const book = new LeaseBook();
    book.opened('alice', 'phone');
    book.opened('alice', 'phone');
    book.opened('alice', 'laptop');
    expect(book.takeUnsettled(9)).toEqual([{ userId: 'alice', deviceIds: ['phone', 'laptop'] }]);
    book.closed('alice', 'phone');
    expect(book.hasUnsettled).toBe(false);
    book.closed('alice', 'phone');
    expect(book.takeUnsettled(9)).toEqual([{ userId: 'alice', deviceIds: ['laptop'] }]);
    book.closed('alice', 'laptop');
    expect(book.takeUnsettled(9)).toEqual([{ userId: 'alice', deviceIds: [] }]);
    expect(book.size).toBe(0);
  });

  test('that could not be stored are given out again as they are by then, and all of them when the store has lost them', () => {
    const book = new LeaseBook();
    for (const userId of ['alice', 'bob', 'carol']) book.opened(userId, 'phone');
    const taken = book.takeUnsettled(2);
    book.closed('alice', 'phone');
    book.putBack(taken);
    expect(book.takeUnsettled(9)).toEqual([
      { userId: 'carol', deviceIds: ['phone'] },
      { userId: 'alice', deviceIds: [] },
      { userId: 'bob', deviceIds: ['phone'] },
    ]);
    book.unsettleAll();
    expect(book.takeUnsettled(9).map(({ userId }) => userId)).toEqual(['bob', 'carol']);
  });

  test('close no more than was opened', () => {
    const book = new LeaseBook();
    book.closed('alice', 'phone');
    book.opened('alice', 'phone');
    book.closed('alice', 'laptop');
    expect(book.takeUnsettled(9)).toEqual([{ userId: 'alice', deviceIds: ['phone'] }]);
  });
});
