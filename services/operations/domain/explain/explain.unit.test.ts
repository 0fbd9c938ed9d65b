import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type NodeReadingSchema,
  PushState,
  type StreamFactsSchema,
} from '@realchat/gen/realchat/delivery/v1/delivery_facts';
import { GetDeliveryFactsResponseSchema } from '@realchat/gen/realchat/delivery/v1/delivery_facts_service';
import { GetMessageFactsResponseSchema } from '@realchat/gen/realchat/messaging/v1/message_facts_service';
import {
  DeliveryReason,
  DeliveryStepKind,
  DeliveryStepState,
} from '@realchat/gen/realchat/operations/v1/delivery_step';
import { DeliveryOutcome } from '@realchat/gen/realchat/operations/v1/explain_service';
import { describe, expect, test } from 'vitest';
import type { Evidence } from './evidence.ts';
import { explain } from './explain.ts';

const POSITION = 10n;

function message(more: MessageInitShape<typeof GetMessageFactsResponseSchema> = {}) {
  return create(GetMessageFactsResponseSchema, {
    conversationId: 'c',
    seq: 5n,
    number: 3n,
    shard: 2,
    position: POSITION,
    commitTime: timestampFromMs(1_000),
    publishedPosition: 20n,
    relayOwner: 'relay-1',
    relayAlive: true,
    stints: [{ joinedSeq: 1n, leftSeq: 0n }],
    ...more,
  });
}

type Node = MessageInitShape<typeof GetDeliveryFactsResponseSchema>;
type Reading = MessageInitShape<typeof NodeReadingSchema>;

function node(more: Node = {}, reading: Reading = {}) {
  const readTime = timestampFromMs(1_010);
  const read: Reading = { nodeId: 'one', tailPosition: 20n, startPosition: 1n, offset: 7n, readTime, ...reading };
  return create(GetDeliveryFactsResponseSchema, { node: read as never, devicesKnown: true, ...more });
}

function stream(push: PushState, more: MessageInitShape<typeof StreamFactsSchema> = {}) {
  const at = push === PushState.PUSHED ? { pushTime: timestampFromMs(1_020) } : {};
  return { deviceId: 'phone', openTime: timestampFromMs(500), push, ...at, ...more };
}

const ended = { endTime: timestampFromMs(2_000), endReason: 'cancelled' };
const device = (acknowledgedPosition: bigint) => ({ deviceId: 'phone', acknowledgedPosition });

function nameIn(names: Record<string, number>, value: number | undefined): string | undefined {
  return Object.keys(names).find((each) => names[each] === value);
}

/** What is said of a message to a user who is a member, on nodes that have read it, unless told otherwise. */
function judge(evidence: Partial<Evidence>) {
  const { outcome, stoppedAt, steps } = explain({
    message: message(),
    nodes: [node()],
    unreachable: [],
    topic: 't',
    ...evidence,
  });
  expect(steps?.map(({ kind }) => kind)).toEqual([1, 2, 3, 4, 5, 6]);
  const said = (kind: DeliveryStepKind) => {
    const step = steps?.[kind - 1];
    const { state = 0, reason } = step ?? {};
    return [nameIn(DeliveryStepState, state), ...(reason ? [nameIn(DeliveryReason, reason)] : [])].join(' ');
  };
  return {
    outcome: nameIn(DeliveryOutcome, outcome),
    stoppedAt: nameIn(DeliveryStepKind, stoppedAt),
    visible: said(DeliveryStepKind.VISIBLE),
    published: said(DeliveryStepKind.PUBLISHED),
    read: said(DeliveryStepKind.READ),
    pushed: said(DeliveryStepKind.PUSHED),
    acknowledged: said(DeliveryStepKind.ACKNOWLEDGED),
    steps,
  };
}

describe('whether the user may see it', () => {
  const members: [name: string, stints: [bigint, bigint][], visible: string][] = [
    ['a member since before', [[1n, 0n]], 'DONE'],
    ['who joined by the very event before it', [[5n, 0n]], 'DONE'],
    ['who left by the very event', [[1n, 5n]], 'DONE'],
    [
      'in a later stint of several',
      [
        [1n, 2n],
        [4n, 0n],
      ],
      'DONE',
    ],
    ['a stranger', [], 'NOT_DONE NEVER_A_MEMBER'],
    ['who joined later', [[6n, 0n]], 'NOT_DONE SENT_BEFORE_JOINING'],
    ['who had left', [[1n, 4n]], 'NOT_DONE SENT_AFTER_LEAVING'],
    [
      'who was away',
      [
        [1n, 4n],
        [6n, 0n],
      ],
      'NOT_DONE SENT_BETWEEN_STINTS',
    ],
  ];
  test.each(members)('%s', (_name, stints, visible) => {
    const told = judge({
      message: message({ stints: stints.map(([joinedSeq, leftSeq]) => ({ joinedSeq, leftSeq })) }),
    });
    expect(told.visible).toBe(visible);
    if (visible === 'DONE') return;
    expect(told).toMatchObject({ outcome: 'NOT_VISIBLE', stoppedAt: 'VISIBLE', published: 'DONE', read: 'DONE' });
    expect([told.pushed, told.acknowledged]).toEqual(['NOT_APPLICABLE', 'NOT_APPLICABLE']);
  });

  test('what was handed to a stranger is told, and called a fault', () => {
    const told = judge({ message: message({ stints: [] }), nodes: [node({ streams: [stream(PushState.PUSHED)] })] });
    expect(told).toMatchObject({ outcome: 'NOT_VISIBLE', stoppedAt: 'VISIBLE', pushed: 'DONE' });
    expect(told.steps?.[4]?.detail).toContain('a fault');
  });
});

describe('whether it is published', () => {
  const unread = node({}, { offset: -1n });
  test.each([
    ['the relay says so', message(), unread, 'DONE'],
    ['a node has read it there, before the relay says so', message({ publishedPosition: 9n }), node(), 'DONE'],
    ['the relay has not come to it', message({ publishedPosition: 9n }), unread, 'NOT_DONE RELAY_BEHIND'],
    ['no relay is there', message({ publishedPosition: 9n, relayAlive: false }), unread, 'NOT_DONE NO_RELAY'],
  ])('%s', (_name, facts, from, published) => {
    expect(judge({ message: facts, nodes: [from] }).published).toBe(published);
  });
});

describe('whether it is read', () => {
  const behind = (nodeId: string, more: Node = {}) => node(more, { nodeId, tailPosition: 9n, readTime: undefined });
  const later = (nodeId: string) => node({}, { nodeId, startPosition: 10n, readTime: undefined, offset: -1n });
  const serves = { streams: [stream(PushState.UNREAD)] };
  const cases: [name: string, evidence: Partial<Evidence>, read: string][] = [
    ['by one of two, when neither serves the user', { nodes: [behind('one'), node({}, { nodeId: 'two' })] }, 'DONE'],
    [
      'not by the one that serves the user',
      { nodes: [behind('one', serves), node({}, { nodeId: 'two' })] },
      'NOT_DONE NODE_BEHIND',
    ],
    ['by none', { nodes: [behind('one'), behind('two')] }, 'NOT_DONE NODE_BEHIND'],
    ['by nodes that do not answer', { nodes: [], unreachable: ['a:1'] }, 'UNKNOWN NODE_UNREACHABLE'],
    [
      'perhaps by the one that does not answer',
      { nodes: [later('one')], unreachable: ['a:1'] },
      'UNKNOWN NODE_UNREACHABLE',
    ],
    ['before all nodes were started', { nodes: [later('one'), later('two')] }, 'UNKNOWN NODE_STARTED_LATER'],
  ];
  test.each(cases)('%s', (_name, evidence, read) => {
    expect(judge(evidence).read).toBe(read);
  });
});

describe('whether it is pushed', () => {
  const on = (...states: Parameters<typeof stream>[]): Partial<Evidence> => ({
    nodes: [node({ streams: states.map((each) => stream(...each)) })],
  });
  const cases: [name: string, evidence: Partial<Evidence>, pushed: string, outcome: string][] = [
    ['to one of several', on([PushState.BEFORE], [PushState.PUSHED]), 'DONE', 'PUSHED'],
    ['to one that has ended since', on([PushState.PUSHED, ended]), 'DONE', 'PUSHED'],
    ['waits for a slow reader', on([PushState.WAITING]), 'NOT_DONE SLOW_READER', 'STOPPED'],
    ['was passed over', on([PushState.PASSED_OVER]), 'NOT_DONE PASSED_OVER', 'STOPPED'],
    ['the stream catches up', on([PushState.OPENING]), 'NOT_DONE CATCHING_UP', 'STOPPED'],
    ['the node has not come to it', on([PushState.UNREAD]), 'NOT_DONE NODE_BEHIND', 'STOPPED'],
    ['no stream', on(), 'NOT_DONE NO_SESSION', 'STOPPED'],
    [
      'a stream that was opened later, without a cursor',
      on([PushState.BEFORE]),
      'NOT_DONE SUBSCRIBED_LATER',
      'STOPPED',
    ],
    ['dropped', on([PushState.DROPPED, ended]), 'NOT_DONE DROPPED', 'STOPPED'],
    ['the stream ended before', on([PushState.UNREAD, ended]), 'NOT_DONE STREAM_ENDED', 'STOPPED'],
    ['a cursor beyond it', on([PushState.COVERED]), 'UNKNOWN CURSOR_BEYOND', 'UNKNOWN'],
    ['forgotten on its stream', on([PushState.FORGOTTEN]), 'UNKNOWN FORGOTTEN', 'UNKNOWN'],
    ['forgotten with its stream', { nodes: [node({ streamsForgotten: true })] }, 'UNKNOWN FORGOTTEN', 'UNKNOWN'],
    ['the node was restarted', { nodes: [node({}, { startPosition: 10n })] }, 'UNKNOWN NODE_STARTED_LATER', 'UNKNOWN'],
    ['another node does not answer', { nodes: [node()], unreachable: ['a:1'] }, 'UNKNOWN NODE_UNREACHABLE', 'UNKNOWN'],
    ['no node answers', { nodes: [], unreachable: ['a:1'] }, 'UNKNOWN NODE_UNREACHABLE', 'UNKNOWN'],
  ];
  test.each(cases)('%s', (_name, evidence, pushed, outcome) => {
    expect(judge(evidence)).toMatchObject({ pushed, outcome });
  });
});

describe('whether it is acknowledged', () => {
  const cases: [name: string, evidence: Partial<Evidence>, acknowledged: string][] = [
    ['by a device', { nodes: [node({ devices: [device(10n)] })] }, 'DONE'],
    [
      'as the furthest of two nodes has it',
      { nodes: [node({ devices: [device(3n)] }), node({ devices: [device(10n)] })] },
      'DONE',
    ],
    ['by the user, as read', { message: message({ markedRead: true }) }, 'DONE'],
    ['by the user, as received', { message: message({ markedDelivered: true }) }, 'DONE'],
    ['not yet', { nodes: [node({ devices: [device(9n)] })] }, 'NOT_DONE NOT_ACKNOWLEDGED'],
    ['no device', {}, 'NOT_DONE NO_DEVICE'],
    ['the database is away', { nodes: [node({ devicesKnown: false })] }, 'UNKNOWN DEVICES_UNKNOWN'],
    [
      'the database is away for one of two',
      { nodes: [node({ devicesKnown: false }), node({ devices: [device(10n)] })] },
      'DONE',
    ],
    ['no node answers', { nodes: [], unreachable: ['a:1'] }, 'UNKNOWN DEVICES_UNKNOWN'],
  ];
  test.each(cases)('%s', (_name, evidence, acknowledged) => {
    expect(judge(evidence).acknowledged).toBe(acknowledged);
  });
});

describe('where it stopped', () => {
  const pushed = { streams: [stream(PushState.PUSHED)] };
  const unpublished = message({ publishedPosition: 9n, relayAlive: false });
  const cases: [name: string, evidence: Partial<Evidence>, outcome: string, stoppedAt: string][] = [
    ['nowhere', { nodes: [node({ ...pushed, devices: [device(10n)] })] }, 'ACKNOWLEDGED', 'UNSPECIFIED'],
    ['at the device', { nodes: [node({ ...pushed, devices: [device(9n)] })] }, 'PUSHED', 'ACKNOWLEDGED'],
    ['with an offline user', { nodes: [node({ devices: [device(9n)] })] }, 'STOPPED', 'PUSHED'],
    [
      'nowhere, although it is not published',
      { message: unpublished, nodes: [node({ ...pushed, devices: [device(10n)] }, { offset: -1n })] },
      'ACKNOWLEDGED',
      'UNSPECIFIED',
    ],
    [
      'at the relay, when nobody read the database',
      { message: unpublished, nodes: [node({}, { offset: -1n, tailPosition: 9n })] },
      'STOPPED',
      'PUBLISHED',
    ],
    ['not known', { nodes: [], unreachable: ['a:1'] }, 'UNKNOWN', 'UNSPECIFIED'],
  ];
  test.each(cases)('%s', (_name, evidence, outcome, stoppedAt) => {
    expect(judge(evidence)).toMatchObject({ outcome, stoppedAt });
  });
});
