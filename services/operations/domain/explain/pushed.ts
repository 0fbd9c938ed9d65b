import { PushState, type StreamFacts } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import { DeliveryReason, DeliveryStepKind } from '@realchat/gen/realchat/operations/v1/delivery_step';
import {
  counted,
  done,
  type Evidence,
  earliest,
  notApplicable,
  notDone,
  type Step,
  unknown,
  type Verdict,
} from './evidence.ts';
import { isVisible } from './visible.ts';

interface NodeStream {
  nodeId: string;
  stream: StreamFacts;
}

/** Whether it was handed to a connection of the user. */
export function pushedStep(evidence: Evidence): Step {
  const streams = evidence.nodes.flatMap(({ node, streams: all }) =>
    all.map((stream): NodeStream => ({ nodeId: node?.nodeId ?? '', stream })),
  );
  return {
    kind: DeliveryStepKind.PUSHED,
    ...judge(evidence, streams),
    facts: { case: 'pushed', value: { streams } },
  };
}

function judge(evidence: Evidence, streams: readonly NodeStream[]): Verdict {
  const pushed = streams.filter(({ stream }) => stream.push === PushState.PUSHED);
  const visible = isVisible(evidence);
  const time = earliest(pushed.map(({ stream }) => stream.pushTime));
  if (pushed.length > 0 && !visible) return done('a fault: it was handed over to a user who may not see it', time);
  if (!visible) return notApplicable();
  if (pushed.length > 0) return done(`${pushedWords(pushed)}, of ${streams.length} known`, time);
  // First what holds it up on a stream, then what keeps us from knowing, then why there was no stream to carry it.
  return held(streams) ?? notKnown(evidence, streams) ?? uncarried(streams);
}

function pushedWords(pushed: readonly NodeStream[]): string {
  const each = pushed.map(({ nodeId, stream }) => `${nodeId}${stream.backfill ? ' by back-fill' : ''}`);
  return `handed to ${counted(pushed.length, 'stream')}: ${[...new Set(each)].join(', ')}`;
}

function held(streams: readonly NodeStream[]): Verdict | undefined {
  const found = (state: PushState) => streams.find(({ stream }) => stream.push === state);
  const open = streams.filter(({ stream }) => !stream.endTime);
  const waiting = found(PushState.WAITING);
  if (waiting) {
    const { nodeId, stream } = waiting;
    const detail = `on node ${nodeId} ${counted(Number(stream.waitingFrames), 'frame')} wait for device ${stream.deviceId} to read`;
    return notDone(DeliveryReason.SLOW_READER, detail);
  }
  const passedOver = found(PushState.PASSED_OVER);
  if (passedOver) {
    const detail = `a fault: node ${passedOver.nodeId} has read it and not handed it to a stream that had caught up`;
    return notDone(DeliveryReason.PASSED_OVER, detail);
  }
  if (open.some(({ stream }) => stream.push === PushState.OPENING)) {
    return notDone(DeliveryReason.CATCHING_UP, 'the stream of the user has not caught up with what was missed');
  }
  if (open.some(({ stream }) => stream.push === PushState.UNREAD)) {
    return notDone(DeliveryReason.NODE_BEHIND, 'the node of the open stream has not read it');
  }
  return undefined;
}

function notKnown({ message, nodes, unreachable }: Evidence, streams: readonly NodeStream[]): Verdict | undefined {
  const has = (state: PushState) => streams.some(({ stream }) => stream.push === state);
  if (unreachable.length > 0 || nodes.length === 0) {
    const detail = `${counted(unreachable.length, 'node')} did not answer; what it handed over is not known`;
    return unknown(DeliveryReason.NODE_UNREACHABLE, detail);
  }
  if (has(PushState.FORGOTTEN) || nodes.some(({ streamsForgotten }) => streamsForgotten)) {
    return unknown(DeliveryReason.FORGOTTEN, 'so much was handed over since that it is not remembered');
  }
  if (has(PushState.COVERED)) {
    const detail = 'a device came with a cursor at or beyond it; what brought it there is not remembered';
    return unknown(DeliveryReason.CURSOR_BEYOND, detail);
  }
  const later = nodes.filter(({ node }) => (node?.startPosition ?? 0n) >= message.position);
  if (later.length > 0) {
    const detail = `${counted(later.length, 'node')} began after the message; what was handed over before is not known`;
    return unknown(DeliveryReason.NODE_STARTED_LATER, detail);
  }
  return undefined;
}

function uncarried(streams: readonly NodeStream[]): Verdict {
  const has = (state: PushState) => streams.some(({ stream }) => stream.push === state);
  if (has(PushState.DROPPED)) {
    const detail = 'it was dropped with a stream whose device did not read; it comes when the device subscribes again';
    return notDone(DeliveryReason.DROPPED, detail);
  }
  if (has(PushState.UNREAD) || has(PushState.OPENING)) {
    const detail = 'the stream ended before it; it comes when the device subscribes again';
    return notDone(DeliveryReason.STREAM_ENDED, detail);
  }
  if (has(PushState.BEFORE)) {
    const detail = 'the stream was opened after it, without a cursor; its client lists messages by itself';
    return notDone(DeliveryReason.SUBSCRIBED_LATER, detail);
  }
  const detail = 'the user has had no stream since; it comes when a device subscribes';
  return notDone(DeliveryReason.NO_SESSION, detail);
}
