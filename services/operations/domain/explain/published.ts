import { DeliveryReason, DeliveryStepKind } from '@realchat/gen/realchat/operations/v1/delivery_step';
import { done, type Evidence, notDone, type Step, type Verdict } from './evidence.ts';

/** Whether it is in the topic: by the relay's word, or by that of a node that has read it there. */
export function publishedStep(evidence: Evidence): Step {
  const { shard, publishedPosition, relayOwner, relayLeaseEndTime } = evidence.message;
  const offset = offsetOf(evidence);
  const value = {
    topic: evidence.topic,
    partition: shard,
    offset,
    publishedPosition,
    relayOwner,
    ...(relayLeaseEndTime && { relayLeaseEndTime }),
  };
  return {
    kind: DeliveryStepKind.PUBLISHED,
    ...judge(evidence.message, offset),
    facts: { case: 'published', value },
  };
}

function judge(message: Evidence['message'], offset: bigint): Verdict {
  const { shard, position, publishedPosition, relayOwner, relayAlive } = message;
  if (offset >= 0n) return done(`in partition ${shard} at offset ${offset}`);
  if (publishedPosition >= position) return done(`in partition ${shard}, where no node remembers its offset`);
  if (!relayAlive)
    return notDone(DeliveryReason.NO_RELAY, `no relay publishes shard ${shard}; nodes read the database`);
  const detail = `relay ${relayOwner} has published shard ${shard} up to position ${publishedPosition}`;
  return notDone(DeliveryReason.RELAY_BEHIND, detail);
}

/** -1: nobody who remembers has read it in the topic. */
function offsetOf({ nodes }: Evidence): bigint {
  return nodes.map(({ node }) => node?.offset ?? -1n).find((offset) => offset >= 0n) ?? -1n;
}
