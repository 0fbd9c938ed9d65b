/** How one call of a send ended, and when. Times are of one monotonic clock, in milliseconds. */
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
  text: string;
  /** When the first call left. */
  invokedAt: number;
  answers: Answer[];
}

/** Where a durable event stands, and, when it is a message, what it says. */
export interface Seen {
  conversation: string;
  seq: number;
  message?: { messageId: string; number: number; sender: string; key: string; text: string };
}

/** What a device was shown, in the order in which it came. `list`: it asked for what it had missed. */
export type Observation = { at: number } & ({ kind: 'push' | 'list'; event: Seen } | { kind: 'reset'; reason: string });

/** One device of a user and all that it was shown. */
export interface Device {
  device: string;
  user: string;
  observations: Observation[];
}

/** A member's reading of a whole conversation at the end, when all was quiet. */
export interface FullRead {
  user: string;
  conversation: string;
  messages: Seen[];
}

/** A row of the event log. */
export interface Stored extends Seen {
  shard: number;
  position: number;
}

/** A record of the topic, in the order of its partition. */
export interface Published {
  shard: number;
  position: number;
  conversation: string;
  seq: number;
}

/** All that was seen of a run, from outside and in the stores. Members do not change during the run. */
export interface History {
  members: ReadonlyMap<string, ReadonlySet<string>>;
  sends: Send[];
  devices: Device[];
  reads: FullRead[];
  stored: Stored[];
  published: Published[];
}
