import type { Seen } from '../history/line.ts';

/** How often a message is sent under its key: once, twice at the same time, or again after its answer. */
export type Repeat = 'no' | 'parallel' | 'later';

/** One device of a user under load: it writes down all that it does and sees. */
export interface Device {
  /** Names it in the history. */
  readonly name: string;
  readonly transport: string;
  readonly userId: string;
  /** Calls of sends that wait for their answer, with when they left. */
  readonly inFlight: ReadonlySet<{ from: number }>;
  /** Calls of sends that ended without an answer. */
  readonly cut: readonly Attempt[];
  /** Whether its stream is live. */
  readonly isLive: boolean;
  /** How often its stream ended. */
  readonly streamsLost: number;
  /** Opens its stream, from now, and keeps it open. Resolves when it is live. */
  follow(): Promise<void>;
  /** Sends one message, as often as it takes. False: it was refused. Rejects when the device gave up. */
  send(conversation: string, key: string, text: string, repeat: Repeat): Promise<boolean>;
  /** Tells the other members that it types. Rejects when they may not be told. */
  type(conversation: string): Promise<void>;
  /** The whole conversation, as the user may read it. Rejects when they may not. */
  list(conversation: string): Promise<Seen[]>;
  close(): Promise<void>;
}

/** A call that had begun and was not answered. */
export interface Attempt {
  transport: string;
  from: number;
  to: number;
}
