import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { GetDeliveryFactsResponse } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import type { GetMessageFactsResponse } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import {
  type DeliveryReason,
  type DeliveryStepSchema,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';

/** All that is known of a message on its way to a user. */
export interface Evidence {
  message: GetMessageFactsResponse;
  /** The topic that its shard is published to. */
  topic: string;
  /** What each delivery node that answered knows. */
  nodes: readonly GetDeliveryFactsResponse[];
  /** The addresses of those that did not. */
  unreachable: readonly string[];
}

/** A step as it is answered. */
export type Step = MessageInitShape<typeof DeliveryStepSchema>;
/** What is judged of a step; its kind and facts come with it. */
export type Verdict = Pick<Step, 'state' | 'reason' | 'detail' | 'doneTime'>;

export function done(detail: string, doneTime?: Timestamp): Verdict {
  return { state: DeliveryStepState.DONE, detail, ...(doneTime && { doneTime }) };
}

export function notDone(reason: DeliveryReason, detail: string): Verdict {
  return { state: DeliveryStepState.NOT_DONE, reason, detail };
}

export function unknown(reason: DeliveryReason, detail: string): Verdict {
  return { state: DeliveryStepState.UNKNOWN, reason, detail };
}

export function notApplicable(): Verdict {
  return { state: DeliveryStepState.NOT_APPLICABLE, detail: 'the user may not see the message' };
}

/** The earliest of some times; undefined when there is none. */
export function earliest(times: readonly (Timestamp | undefined)[]): Timestamp | undefined {
  return times.filter((time) => time !== undefined).toSorted((a, b) => timestampMs(a) - timestampMs(b))[0];
}

/** `one node`, `2 nodes`. */
export function counted(count: number, one: string): string {
  return count === 1 ? `one ${one}` : `${count} ${one}s`;
}
