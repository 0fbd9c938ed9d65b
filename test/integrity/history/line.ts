/**
 * One line of a history: what a client did, was told or saw, what a fault did, or what was read at the end. A history is a
 * file of these, one JSON object a line, in no particular order: `at` is the order. It is in milliseconds of one monotonic
 * clock that all clients of a run share.
 */
export type Line = { at: number } & (
  | RunLine
  | ClientLine
  | SendLine
  | DeliverLine
  | StreamLine
  | MembershipLine
  | ReadPositionLine
  | SessionLine
  | PresenceLine
  | FaultLine
  | SampleLine
  | FullReadLine
  | StoredLine
  | PublishedLine
  | ActivityLine
  | DeadLetterLine
);

/** The first line: what made this history. */
export interface RunLine {
  type: 'run';
  seed: number;
  commit: string;
  /** The faults of the schedule, in order. */
  faults: string[];
  /** One of the run's own can be looked into, one of somebody else cannot. Older histories do not say. */
  mesh?: 'own' | 'other';
  /** Whether this machine tells what a process takes. Older histories do not say. */
  measures?: boolean;
  /** Faults that were asked for and have no turn in the schedule, and why. */
  leftOut?: LeftOut[];
}

export interface LeftOut {
  id: string;
  reason: string;
}

/** A device takes part. `sees`: whether it writes down every event, or messages alone; the seqs between are others then. */
export interface ClientLine {
  type: 'client';
  device: string;
  user: string;
  transport: string;
  sees: 'events' | 'messages';
}

/** A call of a send: it leaves, and is answered, refused for certain (`fail`), or nobody knows (`info`). */
export type SendLine = { type: 'send'; call: number } & (
  | { op: 'invoke'; device: string; user: string; conversation: string; key: string; hash: string }
  | { op: 'ok'; seq: number; id: string }
  | { op: 'fail'; reason: string }
  | { op: 'info'; reason: string }
);

/** What a message says: whose it is, under which key, and the hash of its body. */
export interface Said {
  id: string;
  number: number;
  sender: string;
  key: string;
  hash: string;
}

/** An event where it stands; a message, or a change of who is a member, says so. */
export interface Seen {
  conversation: string;
  seq: number;
  message?: Said;
  joined?: string[];
  left?: string;
  /** It is told now or never, and has no seq: of which kind it is. */
  transient?: string;
}

/** A device is shown an event or, with seq 0, a transient: pushed, or read after the device was told that it had missed something. */
export interface DeliverLine extends Seen {
  type: 'deliver';
  device: string;
  how: 'live' | 'backfill';
}

/**
 * The life of a device's stream: asked for from now (`open`) or from its cursor (`resume`), replay over (`live`), over
 * (`close`, with how), a newer cursor is kept (`checkpoint`), something was missed (`reset`). `died`: the client itself gave up.
 */
export type StreamLine = { type: 'stream'; device: string } & (
  | { op: 'open' | 'resume' | 'live' | 'checkpoint' }
  | { op: 'close'; code: string }
  | { op: 'reset'; reason: string }
  | { op: 'died'; reason: string }
);

/** A call that changes who is a member. `users` are those who come or go. */
export type MembershipLine = { type: 'membership'; call: number } & (
  | { op: 'invoke'; what: 'create' | 'add' | 'remove' | 'leave'; conversation: string; users: string[] }
  | { op: 'ok'; conversation: string }
  | { op: 'fail' | 'info'; reason: string }
);

/** Up to which message a user has read: as it was acked, or as it was read back at the end. */
export interface ReadPositionLine {
  type: 'read-position';
  op: 'acked' | 'found';
  user: string;
  conversation: string;
  number: number;
}

/** A device's session was ended, as the server acked it; a call with its token was answered or refused afterwards. */
export interface SessionLine {
  type: 'session';
  op: 'ended' | 'answered' | 'refused';
  device: string;
}

/** A viewer is told whether another user is online, or that this is not known. */
export interface PresenceLine {
  type: 'presence';
  viewer: string;
  user: string;
  online: boolean | 'unknown';
}

/** A fault begins, with how many records it may leave in the topic twice, has healed, and whether it bit, with the proof in words. `quiet`: everything after the last fault is over. */
/** Something that an invariant forbids, seen by who put a fault on the mesh. */
export interface Breach {
  /** Its id, as in docs/guarantees.md. */
  invariant: string;
  text: string;
}

export type FaultLine = { type: 'fault'; run: number } & (
  | { op: 'begin'; id: string; title: string; graceful: boolean; recordsTwice?: number }
  | { op: 'heal' }
  | { op: 'judged'; bit: boolean; proof: string; breach?: Breach | undefined }
);

/** What a process takes, in bytes and handles, or how much is committed and not yet published. */
export type SampleLine =
  | { type: 'sample'; process: string; rss: number; handles: number }
  | { type: 'sample'; process: 'backlog'; committed: number; published: number };

/** A member's reading of a whole conversation at the end, when all was quiet. */
export interface FullReadLine {
  type: 'full-read';
  user: string;
  conversation: string;
  messages: Seen[];
  /** The member was told that there is no such conversation. */
  gone?: true;
}

/** A row of the event log, when the run could look into it. Seq 0: an event without one. */
export interface StoredLine extends Seen {
  type: 'stored';
  shard: number;
  position: number;
  /** When it was committed: the day in UTC, `YYYY-MM-DD`. */
  day: string;
}

/** A record of the topic, in the order of its partition, when the run could look into it. */
export interface PublishedLine {
  type: 'published';
  shard: number;
  position: number;
  conversation: string;
  seq: number;
}

/** What a consumer of the topic made of it: how many messages by how many senders it counted in a conversation on a day. */
export interface ActivityLine {
  type: 'activity';
  day: string;
  conversation: string;
  messages: number;
  senders: number;
}

/** A record that the run put into a topic to be found unreadable, or one that is in a dead-letter topic, by its coordinates. */
export interface DeadLetterLine {
  type: 'poison' | 'dead-letter';
  record: string;
}
