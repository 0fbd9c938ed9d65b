import type { ClientName } from '../clients/kinds.ts';
import type { Pair } from '../load/step.ts';
import type { Roots } from '../measure/usage.ts';

/** What is measured: one system by one kind of client. */
export interface Target {
  name: TargetName;
  client: ClientName;
  system: System;
}

/** A running system with its users. */
export interface System {
  /** Its processes, those of its engines included. */
  roots(): Roots;
  /** Where clients of that kind go. */
  address(client: ClientName): string;
  /** The pairs that load is made between, with tokens that outlive a run. */
  pairs(): Promise<Pair[]>;
  /** How much its Postgres has written to its log so far, in bytes. */
  walBytes(): Promise<number>;
  /** What it runs with: what decides how quick it is, and how durable. */
  settings(): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

/** By what every target is called in options and results. */
export const targetTitles = {
  websocket: 'RealChat, WebSocket',
  grpc: 'RealChat, unary gRPC',
  socketio: 'Socket.IO + Postgres',
  commit: 'bare commit (floor)',
} as const;

export type TargetName = keyof typeof targetTitles;
