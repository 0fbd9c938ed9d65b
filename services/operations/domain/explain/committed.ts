import { DeliveryStepKind } from '@realchat/gen/realchat/operations/v1/delivery_step';
import { done, type Evidence, type Step } from './evidence.ts';

/** The message is in the log, or nobody could have found it. */
export function committedStep({ message }: Evidence): Step {
  const { conversationId, seq, number, shard, position, commitTime } = message;
  return {
    kind: DeliveryStepKind.COMMITTED,
    ...done(`event ${seq} of its conversation, at position ${position} of shard ${shard}`, commitTime),
    facts: { case: 'committed', value: { conversationId, seq, number, shard, position } },
  };
}
