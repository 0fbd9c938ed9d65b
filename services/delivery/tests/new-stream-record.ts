import { StreamRecord } from '../domain/stream-record.ts';

/** The record of a stream that came with this cursor, or without one, on a node that stands there. */
export function newStreamRecord(
  options: { after?: readonly number[]; tails?: () => number[]; userId?: string } = {},
): StreamRecord {
  const { after, tails = () => [0], userId = 'u' } = options;
  return new StreamRecord({ userId, deviceId: 'd', epoch: 'e', after, tails });
}
