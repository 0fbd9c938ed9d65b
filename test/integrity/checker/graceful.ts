import type { Call, Fault, History } from '../history/history.ts';
import { CEILINGS } from './ceilings.ts';
import type { Invariant, Violation } from './violation.ts';

/** How a stream may end when its server goes in good order, which says when to come again, or by itself meanwhile, with its token. What ends one and leaves its socket open is told by bare clients alone. */
const DRAINS = /^(UNAVAILABLE( \w+)? RetryInfo|1001|1012|STREAM|UNAUTHENTICATED TOKEN_EXPIRED)/;

/** I14: what is restarted in good order refuses nothing, ends streams by the rules, which are live elsewhere within 5 s, and one retry of each call is enough. */
export const graceful: Invariant = {
  id: 'I14',
  name: 'graceful',
  notJudged: ({ faults }) =>
    faults.some((fault) => fault.graceful) ? undefined : 'nothing was restarted in good order',
  *holds(history) {
    for (const fault of history.faults.filter((each) => each.graceful)) yield* inGoodOrder(history, fault);
  },
};

function* inGoodOrder(history: History, { id, from, healedAt }: Fault): Generator<Violation> {
  const { sends, devices, stints } = history;
  const within = ({ at }: { at: number }) => at >= from && at <= healedAt;
  // Who was put out of a conversation is refused there, whoever restarts.
  const left = new Set(stints.filter((stint) => Number.isFinite(stint.left)).map(memberOf));
  for (const send of sends) {
    const place = `key ${send.key} in ${send.conversation}`;
    const refused = send.answers.find((answer) => answer.kind === 'refused' && within(answer));
    if (refused?.kind === 'refused' && !left.has(memberOf(send)))
      yield { text: `${id}: ${place} was refused: ${refused.reason}` };
    for (const tries of chainsOf(send.calls)) {
      const lost = tries.filter(({ answer }) => answer?.kind === 'unknown' && within(answer));
      if (lost.length > 1) yield { text: `${id}: ${place} needed ${lost.length} retries` };
      const last = tries.at(-1);
      if (last && lost.includes(last)) yield { text: `${id}: ${place} failed and was not tried again` };
    }
  }
  for (const { device, closes, lives } of devices) {
    for (const { at } of closes.filter(within)) {
      const liveAt = lives.find((each) => each >= at) ?? Number.POSITIVE_INFINITY;
      if (liveAt - at > CEILINGS.resumedMs)
        yield {
          text: `${id}: a stream of ${device} ended, and was not live again ${CEILINGS.resumedMs / 1_000} s later`,
        };
    }
    const rude = closes.find((close) => within(close) && !DRAINS.test(close.code));
    if (rude) yield { text: `${id}: a stream of ${device} ended with ${rude.code}` };
  }
}

/**
 * The calls under one key as chains of tries, each of which was made after the one before it had failed. Who sends a message
 * twice at the same time tries it in two chains.
 */
function chainsOf(calls: readonly Call[]): Call[][] {
  const chains: Call[][] = [];
  const failedAt = (chain: readonly Call[]) => {
    const answer = chain.at(-1)?.answer;
    return answer?.kind === 'unknown' ? answer.at : Number.POSITIVE_INFINITY;
  };
  for (const call of calls.toSorted((a, b) => a.from - b.from)) {
    // Whichever waits for its retry for longest.
    const [waiting] = chains
      .filter((chain) => failedAt(chain) <= call.from)
      .toSorted((a, b) => failedAt(a) - failedAt(b));
    if (waiting) waiting.push(call);
    else chains.push([call]);
  }
  return chains;
}

function memberOf({ conversation, user }: { conversation: string; user: string }): string {
  return `${conversation}/${user}`;
}
