import type { Limits } from '../index.ts';
import { linkedPair } from './linked-pair.ts';
import { recordingCallee, recordingCaller } from './recording.ts';

export const request = { method: '/realchat.test.v1.EchoService/Echo', metadata: [], timeoutMs: undefined };

/** A pair with one call that both ends have heard of. */
export function openedCall(limits: Partial<Limits> = {}) {
  const callee = recordingCallee();
  const pair = linkedPair(callee.accept, limits);
  const caller = recordingCaller();
  const call = pair.client.multiplexer.call(request, caller.listener);
  pair.settle();
  const taken = callee.taken.get(call.id);
  if (taken === undefined) throw new Error('the call was not taken');
  return { ...pair, call, caller: caller.heard, callee: taken.heard, answer: taken.call, taken: callee.taken };
}
