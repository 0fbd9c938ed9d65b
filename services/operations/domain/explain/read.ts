import type { NodeReading } from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import { DeliveryReason, DeliveryStepKind } from '@realchat/gen/realchat/operations/v1/delivery_step';
import { counted, done, type Evidence, earliest, notDone, type Step, unknown, type Verdict } from './evidence.ts';

/** Whether the delivery nodes that serve the user have read it; when none does, whether any has. */
export function readStep(evidence: Evidence): Step {
  const nodes = readings(evidence).toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return {
    kind: DeliveryStepKind.READ,
    ...judge(evidence),
    facts: { case: 'read', value: { nodes, unreachable: [...evidence.unreachable] } },
  };
}

function judge(evidence: Evidence): Verdict {
  const { position } = evidence.message;
  const nodes = readings(evidence);
  const behind = nodes.filter(({ tailPosition }) => tailPosition < position);
  const serving = new Set(evidence.nodes.filter(hasOpenStream).map(({ node }) => node?.nodeId));
  const late = serving.size > 0 ? behind.filter(({ nodeId }) => serving.has(nodeId)) : behind;
  const [worst] = late;
  if (worst && (serving.size > 0 || late.length === nodes.length)) {
    const detail = `node ${worst.nodeId} has read up to position ${worst.tailPosition}, and the message is at ${position}`;
    return notDone(DeliveryReason.NODE_BEHIND, detail);
  }
  const read = nodes.filter((node) => node.startPosition < position && position <= node.tailPosition);
  if (read.length > 0) {
    const words = `read by ${counted(read.length, 'node')}: ${read.map(({ nodeId }) => nodeId).join(', ')}`;
    return done(words, earliest(read.map(({ readTime }) => readTime)));
  }
  if (nodes.length === 0 || evidence.unreachable.length > 0) {
    return unknown(DeliveryReason.NODE_UNREACHABLE, `${counted(evidence.unreachable.length, 'node')} did not answer`);
  }
  return unknown(DeliveryReason.NODE_STARTED_LATER, 'every node was started after the message and began behind it');
}

function readings({ nodes }: Evidence): NodeReading[] {
  return nodes.flatMap(({ node }) => node ?? []);
}

function hasOpenStream({ streams }: Evidence['nodes'][number]): boolean {
  return streams.some(({ endTime }) => !endTime);
}
