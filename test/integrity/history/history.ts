import type { Seen } from './line.ts';

/** How one call of a send ended, and when. */
export type Answer =
  | { kind: 'ok'; at: number; seq: number; messageId: string }
  /** The server said no; the message must never show up on account of this call. */
  | { kind: 'refused'; at: number; reason: string }
  /** Nobody knows: the answer was lost, and the message may have been stored. */
  | { kind: 'unknown'; at: number; reason: string };

/** One message that a client wanted to send, under one key, with all calls that it made for it. */
export interface Send {
  user: string;
  device: string;
  conversation: string;
  key: string;
  hash: string;
  /** When the first call left. */
  invokedAt: number;
  answers: Answer[];
}

/** What a device was shown, in the order in which it came. `list`: it asked for what it had missed. */
export type Observation = { at: number } & ({ kind: 'push' | 'list'; event: Seen } | { kind: 'reset'; reason: string });

/** One device of a user and all that it was shown. */
export interface Device {
  device: string;
  user: string;
  observations: Observation[];
  /** When its stream was live for the first time; nothing from before is owed to it. */
  liveAt: number;
  /** When its streams ended, and how. */
  closes: { at: number; code: string }[];
  /** When it kept a newer cursor. */
  checkpoints: number[];
  /** Whether a stream of it was live when all was over. */
  connected: boolean;
  died?: string;
}

/** The time of a user in a conversation: from the seq of the event that let them in to that of the one that ended it. */
export interface Stint {
  user: string;
  conversation: string;
  joined: number;
  left: number;
}

/** A user was told that they, or another, are no member any more; `until` the next call that would let them in again. */
export interface Leave {
  user: string;
  conversation: string;
  at: number;
  until: number;
}

export interface FullRead {
  user: string;
  conversation: string;
  messages: Seen[];
}

export interface Stored extends Seen {
  shard: number;
  position: number;
  day: string;
}

/** What a consumer counted of a day in a conversation. */
export interface Activity {
  day: string;
  conversation: string;
  messages: number;
  senders: number;
}

export interface Published {
  shard: number;
  position: number;
  conversation: string;
  seq: number;
}

export interface Fault {
  id: string;
  title: string;
  graceful: boolean;
  /** How many records it may leave in the topic twice, at most. */
  recordsTwice: number;
  from: number;
  healedAt: number;
  /** Undefined: nobody said. */
  bit: boolean | undefined;
  proof: string;
}

export interface Session {
  device: string;
  endedAt: number;
  /** When calls with its token were answered after that. */
  answered: number[];
  refused: number[];
}

/** All that was seen of a run, from outside and, where the run could look, in the stores. */
export interface History {
  seed: number;
  sends: Send[];
  devices: Device[];
  stints: Stint[];
  leaves: Leave[];
  reads: FullRead[];
  readPositions: { user: string; conversation: string; number: number; found: boolean; at: number }[];
  sessions: Session[];
  presence: { at: number; viewer: string; user: string; online: boolean | 'unknown' }[];
  faults: Fault[];
  /** Undefined: the run could not look into the event log, or the topic. */
  stored: Stored[] | undefined;
  published: Published[] | undefined;
  /** Undefined: the run could not look at what consumers made of the topic. */
  activity: Activity[] | undefined;
  poison: string[];
  deadLetters: string[] | undefined;
  processes: { at: number; process: string; rss: number; handles: number }[];
  backlog: { at: number; committed: number; published: number }[];
}

export type { Seen };

/** An empty history, to be filled. */
export function emptyHistory(seed = 0): History {
  return {
    seed,
    sends: [],
    devices: [],
    stints: [],
    leaves: [],
    reads: [],
    readPositions: [],
    sessions: [],
    presence: [],
    faults: [],
    stored: undefined,
    published: undefined,
    activity: undefined,
    poison: [],
    deadLetters: undefined,
    processes: [],
    backlog: [],
  };
}

/** Who was a member when, from the events that anyone saw; a creation that nobody saw is known by its answer. */
export function stintsOf(
  events: Iterable<Seen>,
  created: Iterable<{ conversation: string; users: string[] }>,
): Stint[] {
  const changes = new Map<string, Seen>();
  for (const { conversation, users } of created)
    changes.set(`${conversation}/1`, { conversation, seq: 1, joined: users });
  for (const event of events) {
    if (event.joined || event.left !== undefined) changes.set(`${event.conversation}/${event.seq}`, event);
  }
  const stints: Stint[] = [];
  const open = new Map<string, Stint>();
  for (const { conversation, seq, joined, left } of [...changes.values()].toSorted((a, b) => a.seq - b.seq)) {
    for (const user of joined ?? []) {
      if (open.has(`${conversation}/${user}`)) continue;
      const stint = { user, conversation, joined: seq, left: Number.POSITIVE_INFINITY };
      open.set(`${conversation}/${user}`, stint);
      stints.push(stint);
    }
    if (left === undefined) continue;
    const stint = open.get(`${conversation}/${left}`);
    if (stint) stint.left = seq;
    open.delete(`${conversation}/${left}`);
  }
  return stints;
}
