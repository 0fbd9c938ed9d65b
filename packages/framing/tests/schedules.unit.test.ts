import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Code, type OutgoingCall, statusOf } from '../index.ts';
import { linkedPair } from './linked-pair.ts';
import { codes, type Heard, numbered, recordingCallee, recordingCaller, same, type Taken } from './recording.ts';

type Side = 'client' | 'server';

type Step =
  | { do: 'open' }
  | { do: 'send'; at: Side; call: number; length: number }
  | { do: 'pause' | 'resume'; at: Side; call: number }
  | { do: 'halfClose' | 'end' | 'cancel'; call: number }
  | { do: 'turn' | 'deliver' | 'block' | 'unblock'; at: Side };

const call = fc.nat({ max: 5 });
const at = fc.constantFrom<Side>('client', 'server');
const length = fc.oneof(
  fc.nat({ max: 300 }),
  fc.integer({ min: 16 * 1024 - 1, max: 16 * 1024 + 1 }),
  fc.nat({ max: 200_000 }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), at, call, length }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), at, call }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('halfClose' as const, 'end' as const, 'cancel' as const), call }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('turn' as const, 'deliver' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('block' as const, 'unblock' as const), at }) },
);

interface Caller {
  readonly call: OutgoingCall;
  readonly heard: Heard;
  readonly sent: Record<Side, Uint8Array[]>;
  halfClosed: boolean;
  cancelled: boolean;
  ended: boolean;
}

/** Does what the steps say, one after the other, and keeps account of what each end asked for. */
function run(steps: readonly Step[]) {
  const callee = recordingCallee();
  const pair = linkedPair(callee.accept);
  const callers: Caller[] = [];
  const open = (): void => {
    const { heard, listener } = recordingCaller();
    const request = { method: '/a.B/C', metadata: [], timeoutMs: undefined };
    const opened = pair.client.multiplexer.call(request, listener);
    callers.push({
      call: opened,
      heard,
      sent: { client: [], server: [] },
      halfClosed: false,
      cancelled: false,
      ended: false,
    });
  };
  const send = (caller: Caller, taken: Taken | undefined, side: Side, bytes: number): void => {
    const sender = side === 'client' ? caller.call : taken?.call;
    const mute = side === 'client' ? caller.halfClosed || caller.heard.ends.length > 0 : caller.ended;
    if (sender === undefined || mute) return;
    const message = numbered(caller.sent[side].length, bytes);
    caller.sent[side].push(message);
    sender.send(message);
  };
  const onCall = (caller: Caller, step: Extract<Step, { call: number }>): void => {
    const taken = callee.taken.get(caller.call.id);
    if (step.do === 'send') send(caller, taken, step.at, step.length);
    else if (step.do === 'pause' || step.do === 'resume') flow(step.at === 'client' ? caller : taken, step.do);
    else if (step.do === 'halfClose') {
      caller.halfClosed = true;
      caller.call.halfClose();
    } else if (step.do === 'end' && taken) {
      caller.ended = true;
      taken.call.end(statusOf(Code.OK));
    } else if (step.do === 'cancel') {
      caller.cancelled = true;
      caller.call.cancel();
    }
  };
  const take = (step: Step): void => {
    if (step.do === 'open') open();
    else if ('call' in step) {
      const caller = callers[step.call];
      if (caller) onCall(caller, step);
    } else if (step.do === 'turn') pair[step.at].turn();
    else if (step.do === 'deliver') pair.deliver(step.at);
    else {
      pair[step.at].writable = step.do === 'unblock';
      if (step.do === 'unblock') pair[step.at].multiplexer.writable();
    }
  };
  for (const next of steps) take(next);
  return { ...pair, callers, taken: callee.taken };
}

/** Lets everything that was begun come to its end. */
function finish({ client, server, callers, taken, settle }: ReturnType<typeof run>): void {
  for (const end of [client, server]) {
    end.writable = true;
    end.multiplexer.writable();
  }
  settle();
  for (const caller of callers) {
    flow(caller, 'resume');
    flow(taken.get(caller.call.id), 'resume');
    caller.call.halfClose();
  }
  settle();
  for (const caller of callers) taken.get(caller.call.id)?.call.end(statusOf(Code.OK));
  settle();
}

function flow(end: Taken | Caller | undefined, to: 'pause' | 'resume'): void {
  if (end === undefined) return;
  end.heard.paused = to === 'pause';
  end.call[to]();
}

const startsWith = (all: readonly Uint8Array[], some: readonly Uint8Array[]): boolean =>
  same(some, all.slice(0, some.length));

test('in any order of events each message arrives once and in order, within its credit, and each call ends once', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 200, size: 'max' }), (steps) => {
      const session = run(steps);
      finish(session);
      const { client, server, callers, taken, credits } = session;
      expect(credits.least()).toBeGreaterThanOrEqual(0);
      expect([client.errors, server.errors, client.applicationErrors, server.applicationErrors]).toEqual([
        [],
        [],
        [],
        [],
      ]);
      for (const {
        call: { id },
        heard,
        sent,
        cancelled,
        ended,
      } of callers) {
        const callee = taken.get(id)?.heard;
        expect([heard.ends.length, heard.late, callee?.late ?? 0]).toEqual([1, 0, 0]);
        expect(cancelled ? ['OK', 'CANCELLED'] : ['OK']).toContain(codes(heard)[0]);
        expect(startsWith(sent.server, heard.messages)).toBe(true);
        if (callee) expect([callee.ends.length, startsWith(sent.client, callee.messages)]).toEqual([1, true]);
        if (!cancelled) expect(heard.messages.length).toBe(sent.server.length);
        if (!cancelled && !ended)
          expect([callee?.messages.length, callee?.halfClosed]).toEqual([sent.client.length, 1]);
      }
      expect([client, server].map(({ multiplexer }) => [multiplexer.openCalls, multiplexer.queuedBytes])).toEqual([
        [0, 0],
        [0, 0],
      ]);
    }),
    { numRuns: 400 },
  );
});
