/** What a client does when its socket has closed with a code. */
export type AfterClose =
  /** The session ended as wished. */
  | 'done'
  /** Connect again, with backoff and jitter, and resume by cursor. */
  | 'reconnect'
  /** Get a newer token first, then connect again. */
  | 'authenticate'
  /** Connecting again would end the same way: this client or its settings are at fault. */
  | 'give_up';

/** Every way in which a session over a WebSocket ends. `docs/protocol.md` has the same table. */
export const closeCodes = {
  normal: { code: 1000, after: 'done' },
  goingAway: { code: 1001, after: 'reconnect' },
  webSocketProtocol: { code: 1002, after: 'give_up' },
  noStatus: { code: 1005, after: 'reconnect' },
  abnormal: { code: 1006, after: 'reconnect' },
  invalidPayload: { code: 1007, after: 'give_up' },
  overLimit: { code: 1008, after: 'reconnect' },
  tooLarge: { code: 1009, after: 'give_up' },
  internalError: { code: 1011, after: 'reconnect' },
  restart: { code: 1012, after: 'reconnect' },
  tryLater: { code: 1013, after: 'reconnect' },
  tooSlow: { code: 4008, after: 'reconnect' },
  protocolError: { code: 4400, after: 'give_up' },
  unauthenticated: { code: 4401, after: 'authenticate' },
  noHello: { code: 4408, after: 'reconnect' },
  tooManyCalls: { code: 4429, after: 'give_up' },
} as const satisfies Record<string, { code: number; after: AfterClose }>;

/** What to do after a close. An unknown code is one of a newer server: connect again. */
export function afterClose(code: number): AfterClose {
  return Object.values(closeCodes).find((known) => known.code === code)?.after ?? 'reconnect';
}

/** The WebSocket subprotocol of this version of the framing. */
export const SUBPROTOCOL = 'realchat.v1';
