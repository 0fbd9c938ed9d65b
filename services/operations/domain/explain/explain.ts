import type { MessageInitShape } from '@bufbuild/protobuf';
import { DeliveryStepKind, DeliveryStepState } from '@realchat/gen/realchat/operations/v1/delivery_step';
import {
  DeliveryOutcome,
  type ExplainDeliveryResponseSchema,
} from '@realchat/gen/realchat/operations/v1/explain_service';
import { acknowledgedStep } from './acknowledged.ts';
import { committedStep } from './committed.ts';
import type { Evidence, Step } from './evidence.ts';
import { publishedStep } from './published.ts';
import { pushedStep } from './pushed.ts';
import { readStep } from './read.ts';
import { visibleStep } from './visible.ts';

type Explanation = Required<
  Pick<MessageInitShape<typeof ExplainDeliveryResponseSchema>, 'outcome' | 'stoppedAt' | 'steps'>
>;

/** What became of a message, by what is known of it. */
export function explain(evidence: Evidence): Explanation {
  const committed = committedStep(evidence);
  const visible = visibleStep(evidence);
  const published = publishedStep(evidence);
  const read = readStep(evidence);
  const pushed = pushedStep(evidence);
  const acknowledged = acknowledgedStep(evidence);
  const steps = [committed, visible, published, read, pushed, acknowledged];
  return {
    outcome: outcomeOf(visible, pushed, acknowledged),
    stoppedAt: isDone(visible) ? firstStop(steps) : DeliveryStepKind.VISIBLE,
    steps,
  };
}

function outcomeOf(visible: Step, pushed: Step, acknowledged: Step): DeliveryOutcome {
  if (!isDone(visible)) return DeliveryOutcome.NOT_VISIBLE;
  if (isDone(acknowledged)) return DeliveryOutcome.ACKNOWLEDGED;
  if (isDone(pushed)) return DeliveryOutcome.PUSHED;
  return pushed.state === DeliveryStepState.NOT_DONE ? DeliveryOutcome.STOPPED : DeliveryOutcome.UNKNOWN;
}

/** The first step that is not done, and that no later one has made good: nodes may read what is not published. */
function firstStop(steps: readonly Step[]): DeliveryStepKind {
  const madeGood = steps.findLastIndex(isDone);
  const stop = steps.slice(madeGood + 1).find(({ state }) => state === DeliveryStepState.NOT_DONE);
  return stop?.kind ?? DeliveryStepKind.UNSPECIFIED;
}

function isDone({ state }: Step): boolean {
  return state === DeliveryStepState.DONE;
}
