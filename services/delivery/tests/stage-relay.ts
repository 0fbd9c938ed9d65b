import { type EventLog, encodeConversationRecord, type OutgoingRecord } from '@realchat/eventlog';
import { until } from '@realchat/testkit';
import type { MemoryLog } from './memory-log.ts';

/** Publishes what is committed, in order, one send at a time, for as long as it takes. */
export function startRelay(memory: MemoryLog, eventLog: EventLog) {
  const producer = eventLog.producer({ sendTimeoutMs: 5_000 });
  const waiting: OutgoingRecord[] = [];
  let held = false;
  let sending = false;
  const pump = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length > 0 && !held) {
      const batch = waiting.slice(0, 500);
      const sent = await producer.send(batch).then(
        () => true,
        () => false,
      );
      if (sent) waiting.splice(0, batch.length);
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
    sending = false;
  };
  memory.onCommit = (record) => {
    waiting.push(encodeConversationRecord(record));
    void pump();
  };
  return {
    /** Holds back what is committed from now on. */
    hold: async () => {
      await until('the relay is idle', () => !sending && waiting.length === 0);
      held = true;
    },
    release: () => {
      held = false;
      void pump();
    },
    /** Changes a record that waits, by its place; needs a held relay. */
    change: (index: number, to: Partial<OutgoingRecord>) => {
      waiting[index] = { ...(waiting[index] as OutgoingRecord), ...to };
    },
    /** Sends a record that is nobody's. */
    inject: (record: OutgoingRecord) => producer.send([record]),
  };
}
