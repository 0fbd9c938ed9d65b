import type { Frame } from '@realchat/gen/realchat/transport/v1/frames';

/** The field numbers of `Frame.kind`. */
export const Kind = {
  hello: 2,
  welcome: 3,
  refresh: 4,
  refreshed: 5,
  ping: 6,
  pong: 7,
  drain: 8,
  open: 10,
  headers: 11,
  message: 12,
  part: 13,
  halfClose: 14,
  cancel: 15,
  credit: 16,
  end: 17,
} as const;

export type Kind = (typeof Kind)[keyof typeof Kind];

/** A frame as it goes on the wire: its kind's payload is encoded already, or the bytes of a message themselves. */
export interface WireFrame {
  readonly call: number;
  readonly kind: Kind;
  readonly payload: Uint8Array;
}

/** A frame of the session that its owner handles; the multiplexer answers `ping` by itself. */
export type SessionFrame = Extract<
  Frame['kind'],
  { case: 'hello' | 'welcome' | 'refresh' | 'refreshed' | 'pong' | 'drain' | 'ping' }
>;

export const EMPTY: Uint8Array = new Uint8Array(0);
