import type { DeadLetter, EventRecord } from '@realchat/eventlog';
import type { Call } from '@realchat/rpc';
import { Counter, Gauge, type Logger, type Registry } from '@realchat/telemetry';
import type { Indexed } from './db/index-letter.ts';
import type { LetterDepth } from './db/measure-letters.ts';

/** What operations tells of its business. */
export interface Events {
  /** A dead letter was read: it is new, it failed again, or it was known. */
  letterIndexed(letter: DeadLetter, outcome: Indexed): void;
  /** A record of a `.dlq` topic is no dead letter. */
  letterUnreadable(record: EventRecord): void;
  /** What is open now. */
  lettersMeasured(depths: readonly LetterDepth[]): void;
  /** So many of the events of a run were counted; the others were before. */
  activityCounted(fresh: number, all: number): void;
  /** An operator did something. The subject is an id or a filter; nothing of a record's content. */
  operatorActed(call: Call, action: string, subject: string, detail?: string): void;
}

export function createEvents(registry: Registry, log: Logger): Events {
  const registers = [registry];
  const indexed = new Counter({
    name: 'realchat_dead_letters_indexed_total',
    help: 'Dead letters read, by outcome: new, again (failed again), known (read before), unreadable.',
    labelNames: ['outcome'],
    registers,
  });
  const depth = new Gauge({
    name: 'realchat_dead_letters_open',
    help: 'Dead letters that wait for an operator, by topic and class of error.',
    labelNames: ['topic', 'class'],
    registers,
  });
  const age = new Gauge({
    name: 'realchat_dead_letters_oldest_seconds',
    help: 'Since the oldest open dead letter was first tried, by topic and class of error.',
    labelNames: ['topic', 'class'],
    registers,
  });
  const actions = new Counter({
    name: 'realchat_operator_actions_total',
    help: 'What operators did.',
    labelNames: ['action'],
    registers,
  });
  const activity = new Counter({
    name: 'realchat_activity_events_total',
    help: 'Conversation events by outcome: counted, repeated (counted before).',
    labelNames: ['outcome'],
    registers,
  });
  return {
    letterIndexed({ topic, partition, offset, reader, errorReason, errorClass, traceId, replays }, outcome) {
      indexed.inc({ outcome });
      if (outcome === 'known') return;
      const what = { topic, partition, offset: String(offset), reader, reason: errorReason || errorClass, replays };
      log.warn(
        { event: 'dead_letter', outcome, ...what, ...(traceId && { trace_id: traceId }) },
        'a dead letter was read',
      );
    },
    letterUnreadable({ topic, offset }) {
      indexed.inc({ outcome: 'unreadable' });
      log.error({ topic, offset: String(offset) }, 'a record of the dead letters is none');
    },
    lettersMeasured(depths) {
      depth.reset();
      age.reset();
      for (const { topic, errorClass, count, oldestSeconds } of depths) {
        depth.set({ topic, class: errorClass }, count);
        age.set({ topic, class: errorClass }, oldestSeconds);
      }
    },
    activityCounted(fresh, all) {
      activity.inc({ outcome: 'counted' }, fresh);
      activity.inc({ outcome: 'repeated' }, all - fresh);
    },
    operatorActed(call, action, subject, detail = '') {
      actions.inc({ action });
      const { userId } = call.caller;
      call.log.info({ event: 'operator_action', user_id: userId, action, subject, detail }, 'an operator acted');
    },
  };
}
