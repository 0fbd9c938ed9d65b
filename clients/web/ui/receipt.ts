import type { Receipts } from '@realchat/client';

/** How far a message of one's own has got, in one word. */
export type ReceiptState = 'sent' | 'delivered' | 'read';

/** Read or delivered by all others; until the members are known, sent. */
export function receiptStateOf(receipts: Receipts | undefined): ReceiptState {
  if (!receipts || receipts.others === 0) return 'sent';
  if (receipts.read === receipts.others) return 'read';
  return receipts.delivered === receipts.others ? 'delivered' : 'sent';
}

/** The same in words, with how many of a group have read it. */
export function receiptWords(receipts: Receipts | undefined): string {
  const state = receiptStateOf(receipts);
  if (receipts && receipts.others > 1 && receipts.read > 0 && state !== 'read') {
    return `Read by ${receipts.read} of ${receipts.others}`;
  }
  return { sent: 'Sent', delivered: 'Delivered', read: 'Read' }[state];
}
