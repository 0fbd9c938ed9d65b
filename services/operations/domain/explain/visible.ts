import {
  DeliveryReason,
  DeliveryStepKind,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';
import { done, type Evidence, notDone, type Step, type Verdict } from './evidence.ts';

/** Whether the user was a member when it was sent. */
export function visibleStep({ message }: Evidence): Step {
  const { stints } = message;
  return { kind: DeliveryStepKind.VISIBLE, ...judge(message), facts: { case: 'visible', value: { stints } } };
}

export function isVisible(evidence: Evidence): boolean {
  return judge(evidence.message).state === DeliveryStepState.DONE;
}

function judge({ seq, stints }: Evidence['message']): Verdict {
  const first = stints[0];
  const last = stints.at(-1);
  if (!first || !last) return notDone(DeliveryReason.NEVER_A_MEMBER, 'the user has never been in its conversation');
  const current = stints.find(({ joinedSeq, leftSeq }) => joinedSeq <= seq && (leftSeq === 0n || seq <= leftSeq));
  if (current) return done(`the user was a member from event ${current.joinedSeq} on`);
  if (seq < first.joinedSeq) {
    const detail = `it is event ${seq}, and the user became a member by event ${first.joinedSeq}`;
    return notDone(DeliveryReason.SENT_BEFORE_JOINING, detail);
  }
  if (last.leftSeq !== 0n && seq > last.leftSeq) {
    const detail = `it is event ${seq}, and the user ceased to be a member by event ${last.leftSeq}`;
    return notDone(DeliveryReason.SENT_AFTER_LEAVING, detail);
  }
  return notDone(DeliveryReason.SENT_BETWEEN_STINTS, `it is event ${seq}, when the user had left and not come back`);
}
