import type { SubscribeResponse } from '@realchat/gen/realchat/delivery/v1/delivery_service';
import type { Arrival } from '../load/ledger.ts';

/** Takes one frame of RealChat's stream: a message is handed on, the end of the replay is told. */
export function deliver({ frame }: SubscribeResponse, arrived: (arrival: Arrival) => void, live: () => void): void {
  if (frame.case === 'caughtUp') live();
  if (frame.case !== 'event' || frame.value.change.case !== 'messageSent') return;
  const message = frame.value.change.value.message;
  if (message?.content.case !== 'text') return;
  arrived({
    conversation: message.conversationId,
    key: message.clientMessageId,
    text: message.content.value,
    sender: message.senderId,
    place: Number(message.seq),
  });
}
