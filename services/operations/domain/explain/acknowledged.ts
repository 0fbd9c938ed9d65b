import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import type { DeviceFacts } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import { DeliveryReason, DeliveryStepKind } from '@realchat/gen/realchat/operations/v1/delivery_step';
import { counted, done, type Evidence, notApplicable, notDone, type Step, unknown, type Verdict } from './evidence.ts';
import { isVisible } from './visible.ts';

/** Whether a device of the user has acknowledged it, or the user has marked it. */
export function acknowledgedStep(evidence: Evidence): Step {
  const { markedDelivered, markedRead } = evidence.message;
  const devices = furthest(evidence.nodes.flatMap((each) => each.devices));
  return {
    kind: DeliveryStepKind.ACKNOWLEDGED,
    ...judge(evidence, devices),
    facts: { case: 'acknowledged', value: { devices, markedDelivered, markedRead } },
  };
}

function judge(evidence: Evidence, devices: readonly DeviceFacts[]): Verdict {
  const { shard, position, markedDelivered, markedRead } = evidence.message;
  if (!isVisible(evidence)) return notApplicable();
  const have = devices.filter(({ acknowledgedPosition }) => acknowledgedPosition >= position);
  if (have.length > 0) {
    const each = have.map(({ deviceId, acknowledgedPosition }) => `${deviceId} at position ${acknowledgedPosition}`);
    return done(`by ${counted(have.length, 'device')}: ${each.join(', ')} of shard ${shard}`);
  }
  if (markedRead) return done('the user has marked it as read');
  if (markedDelivered) return done('a device of the user has marked it as received');
  if (!evidence.nodes.some(({ devicesKnown }) => devicesKnown)) {
    return unknown(DeliveryReason.DEVICES_UNKNOWN, 'the database of devices did not answer');
  }
  if (devices.length === 0) return notDone(DeliveryReason.NO_DEVICE, 'no device of the user is known');
  const [most] = devices.map((each) => each.acknowledgedPosition).toSorted((a, b) => (a < b ? 1 : -1));
  const detail = `the furthest of ${counted(devices.length, 'device')} is at position ${most} of shard ${shard}`;
  return notDone(DeliveryReason.NOT_ACKNOWLEDGED, detail);
}

/** Of what several nodes say of a device, the furthest. */
function furthest(all: readonly DeviceFacts[]): DeviceFacts[] {
  const devices = new Map<string, DeviceFacts>();
  for (const each of all) {
    const known = devices.get(each.deviceId);
    if (!known || isFurther(each, known)) devices.set(each.deviceId, each);
  }
  return [...devices.values()];
}

function isFurther(a: DeviceFacts, b: DeviceFacts): boolean {
  if (a.acknowledgedPosition !== b.acknowledgedPosition) return a.acknowledgedPosition > b.acknowledgedPosition;
  return ms(a.lastSeenTime) > ms(b.lastSeenTime);
}

function ms(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : 0;
}
