import type { Arrival } from '../load/ledger.ts';

/** One of the load's users, and what lets them in. */
export interface BenchUser {
  id: string;
  token: string;
  /** The conversations that they are in. */
  conversations: string[];
}

/** A user's open connection to what is measured. */
export interface ChatClient {
  /** Resolves with the message's place once the server says that it is durable. */
  send(conversation: string, key: string, text: string): Promise<number>;
  close(): Promise<void>;
}

/** One way to reach one system. */
export interface ClientKind {
  /** Whether what is sent is pushed to the other; a floor has nobody to push to. */
  receives: boolean;
  /** Resolves when the user can send, and will be pushed all that is sent from now on. */
  connect(address: string, user: BenchUser, arrived: (arrival: Arrival) => void): Promise<ChatClient>;
}
