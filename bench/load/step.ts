import type { BenchUser } from '../clients/chat-client.ts';
import type { ClientName } from '../clients/kinds.ts';
import type { Backlog } from './backlog.ts';
import type { Quantiles } from './histogram.ts';
import type { Faults } from './ledger.ts';

/** Two users and the conversation they have, which load is made in. */
export interface Pair {
  conversation: string;
  users: [BenchUser, BenchUser];
}

/** A run at one rate. */
export interface Step {
  client: ClientName;
  address: string;
  pairs: Pair[];
  perSecond: number;
  /** Sent as all the rest, and not measured: the first seconds run on code that is not compiled yet. */
  warmUpMs: number;
  measuredMs: number;
  /** Names the run in the keys of its messages. */
  run: string;
  seed: number;
}

/** What the clients of a run saw. Latencies are from the time when a message was due. */
export interface Outcome {
  /** Messages that were sent, in the warm-up and after it. */
  sent: number;
  /** Messages of the measured time. */
  due: number;
  /** Those of them that were acked, and that their recipients saw. */
  acked: number;
  received: number;
  faults: Faults;
  /** How often each error came. */
  errors: Record<string, number>;
  ack: Quantiles;
  receive: Quantiles;
  /** How late the generator itself began to send. */
  late: Quantiles;
  backlog: Backlog;
  /** The run was broken off, because more and more was left undone. */
  brokenOff: boolean;
}

/** What the generator's process is sent, and what it answers. */
export type ToGenerator = { kind: 'run'; step: Step };
export type FromGenerator =
  | { kind: 'measuring' }
  | { kind: 'measured' }
  | { kind: 'outcome'; outcome: Outcome }
  | { kind: 'failed'; message: string };
