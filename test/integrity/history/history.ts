import type { Breach, LeftOut, Seen } from './line.ts';

/** How one call of a send ended, and when. */
export type Answer =
  | { kind: 'ok'; at: number; seq: number; messageId: string }
  /** The server said no; the message must never show up on account of this call. */
  | { kind: 'refused'; at: number; reason: string }
  /** Nobody knows: the answer was lost, and the message may have been stored. */
  | { kind: 'unknown'; at: number; reason: string };

/** One call of a send. It has no answer when nobody wrote one down. */
export interface Call {
  /** When it left. */
  from: number;
  answer?: Answer;
}

/** One message that a client wanted to send, under one key, with all calls that it made for it. */
export interface Send {
  user: string;
  device: string;
  conversation: string;
  key: string;
  hash: string;
  /** When the first call left. */
  invokedAt: number;
  calls: Call[];
  /** Of all calls, as they came. */
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
  /** When each of its streams was live. */
  lives: number[];
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

/** A call that lets a user in, if it is taken, has left. */
export interface Join {
  user: string;
  conversation: string;
  from: number;
}

export interface FullRead {
  user: string;
  conversation: string;
  messages: Seen[];
  /** The member was told that there is no such conversation. */
  gone: boolean;
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
  /** What it made the product do that it must not. */
  breach?: Breach | undefined;
}

export interface Session {
  device: string;
  endedAt: number;
  /** When calls with its token were answered after that. */
  answered: number[];
  refused: number[];
}

/** What was to be done and looked at in a run. */
export interface Run {
  beganAt: number;
  mesh: 'own' | 'other';
  measures: boolean;
  /** The faults of the schedule, in order, and those that were asked for and are not in it. */
  planned: string[];
  leftOut: LeftOut[];
}

/** All that was seen of a run, from outside and, where the run could look, in the stores. */
export interface History {
  seed: number;
  /** Undefined: it does not say of what run it is, so that nothing is known of what should be in it. */
  run: Run | undefined;
  sends: Send[];
  devices: Device[];
  stints: Stint[];
  leaves: Leave[];
  joins: Join[];
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
    run: undefined,
    sends: [],
    devices: [],
    stints: [],
    leaves: [],
    joins: [],
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
