import type { History } from '../history/history.ts';
import { acksOf, placeOf, type Violation } from './violation.ts';

/** A step on the way of a message: whether it was taken, as far as the history knows. */
export interface Step {
  step: 'sent' | 'committed' | 'published' | 'read' | 'pushed' | 'acknowledged';
  /** Inferred: nobody saw it, and it follows from what was seen. */
  taken: 'yes' | 'inferred' | 'no' | 'unknown';
  detail: string;
}

/** The way of the message that a violation is about, from its sender to a device. Empty when it is about no message. */
export function pathOf(history: History, { place }: Violation): Step[] {
  if (!place) return [];
  const { conversation, seq, device } = place;
  const name = placeOf(place);
  const row = history.stored?.find((event) => placeOf(event) === name);
  const sights = history.devices.flatMap((each) =>
    each.observations.flatMap((seen) =>
      seen.kind !== 'reset' && placeOf(seen.event) === name ? [{ device: each, at: seen.at, kind: seen.kind }] : [],
    ),
  );
  const read = history.reads.flatMap((each) => each.messages.filter((event) => placeOf(event) === name));
  const key = (row ?? read[0])?.message?.key;
  const isIt = (answer: { seq: number }) => answer.seq === seq;
  const send = history.sends.find(
    (each) => each.conversation === conversation && (each.key === key || acksOf(each).some(isIt)),
  );
  const own = device === undefined ? undefined : history.devices.find((each) => each.device === device);
  const ownSights = sights.filter((sight) => !own || sight.device === own);
  const checkpoint = own?.checkpoints.find((at) => ownSights[0] && at > ownSights[0].at);
  const liveSight = sights.find((sight) => sight.kind === 'push');
  const steps: Step[] = [
    send
      ? yes('sent', `by ${send.device} under key ${send.key} at ${time(send.invokedAt)}: ${answersOf(send.answers)}`)
      : unknown('sent', 'no client sent it'),
    history.stored
      ? row
        ? yes('committed', `shard ${row.shard}, position ${row.position}`)
        : no('committed', 'it is not in the log')
      : read.length > 0 || sights.length > 0
        ? inferred('committed', `${read.length} readers found it, and ${sights.length} sights are known`)
        : unknown('committed', 'the log could not be read, and nobody found it'),
    publishedStep(history, row),
    liveSight
      ? inferred(
          'read',
          `a node must have read it, by Kafka or from the log: it pushed it to ${liveSight.device.device} at ${time(liveSight.at)}`,
        )
      : unknown('read', 'no device was pushed it'),
    ownSights[0]
      ? yes(
          'pushed',
          ownSights
            .slice(0, 3)
            .map((sight) => `to ${sight.device.device} at ${time(sight.at)} (${sight.kind})`)
            .join(', '),
        )
      : no('pushed', own ? `never to ${own.device}; ${sights.length} sights by others` : 'to no device'),
  ];
  if (own) {
    steps.push(
      checkpoint === undefined
        ? unknown('acknowledged', `${own.device} kept no cursor after it`)
        : inferred(
            'acknowledged',
            `${own.device} kept a newer cursor at ${time(checkpoint)}; what it told the server is not seen`,
          ),
    );
  }
  return steps;
}

function publishedStep({ published }: History, row: { shard: number; position: number } | undefined): Step {
  if (!published || !row)
    return unknown('published', published ? 'its position is not known' : 'the topic could not be read');
  const times = published.filter(({ shard, position }) => shard === row.shard && position === row.position).length;
  return times > 0 ? yes('published', `${times} times in the topic`) : no('published', 'it is not in the topic');
}

function answersOf(answers: History['sends'][number]['answers']): string {
  if (answers.length === 0) return 'never answered';
  return answers
    .slice(0, 5)
    .map((each) => `${each.kind === 'ok' ? `ok seq ${each.seq}` : `${each.kind} (${each.reason})`} at ${time(each.at)}`)
    .join(', ');
}

function time(at: number): string {
  return `${(at / 1000).toFixed(3)} s`;
}

function yes(step: Step['step'], detail: string): Step {
  return { step, taken: 'yes', detail };
}

function inferred(step: Step['step'], detail: string): Step {
  return { step, taken: 'inferred', detail };
}

function no(step: Step['step'], detail: string): Step {
  return { step, taken: 'no', detail };
}

function unknown(step: Step['step'], detail: string): Step {
  return { step, taken: 'unknown', detail };
}
