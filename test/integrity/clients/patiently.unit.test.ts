import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { RetryInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { expect, test } from 'vitest';
import { CallFailure } from '../../e2e/clients/caller.ts';
import { patiently } from './patiently.ts';

const tooMany = (...details: Any[]) => new CallFailure(Code.ResourceExhausted, 'too many', details);
const comeBackIn = (ms: number) =>
  anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(ms) }));

test('who has asked too often asks again when they are told to, and not before', async () => {
  const asked: number[] = [];
  const answer = await patiently(async () => {
    asked.push(performance.now());
    if (asked.length < 3) throw tooMany(comeBackIn(30));
    return 'yes';
  });
  expect([answer, asked.length]).toEqual(['yes', 3]);
  const waits = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
  // A timer may fire within the millisecond before.
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(29);
});

test.each([
  ['is for another reason', new CallFailure(Code.PermissionDenied, 'no', [])],
  ['does not say when to come again', tooMany()],
])('a refusal that %s is final', async (_, refusal) => {
  await expect(patiently(() => Promise.reject(refusal))).rejects.toBe(refusal);
});
