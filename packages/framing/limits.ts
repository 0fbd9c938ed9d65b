/** What one session may use. Both ends of a session use the same values: the welcome frame carries those that a peer must know. */
export interface Limits {
  /** The most bytes of one piece, that is, of the payload of one `message` or `part` frame. */
  readonly maxPartBytes: number;
  /** The most bytes of one message over all its pieces. */
  readonly maxMessageBytes: number;
  /** The credit of each direction of a new call, in bytes. At least a piece's cost, and a quarter of it. */
  readonly initialCredit: number;
  /** The most calls that each end may have open at a time. A call counts until its `end` frame. */
  readonly maxCalls: number;
  /** The most bytes of a call's metadata, names and values, in one frame. */
  readonly maxMetadataBytes: number;
  /** The most bytes that a session queues to be written; the call that asks for more ends. */
  readonly maxQueuedBytes: number;
  /** The most bytes that a session holds for calls that do not take them; the call that gets more ends. */
  readonly maxHeldBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** The limits of a client's session with the edge. */
export const defaultLimits: Limits = {
  maxPartBytes: 16 * KIB,
  maxMessageBytes: 4 * MIB,
  initialCredit: 64 * KIB,
  maxCalls: 128,
  maxMetadataBytes: 8 * KIB,
  maxQueuedBytes: 16 * MIB,
  maxHeldBytes: 16 * MIB,
};

/** The most bytes of one encoded `Frames`. A receiver refuses more; a sender begins another one long before. */
export const MAX_FRAMES_BYTES = 128 * KIB;

/** A sender adds no more frames to a `Frames` that has reached this size. */
export const FULL_FRAMES_BYTES = 64 * KIB;

/** The most bytes of the payload of `open`, `headers` and `end`; one `Frames` always has room for it. */
export const MAX_CONTROL_BYTES = 32 * KIB;

/** What a piece costs besides its payload, so that many small messages are bounded as well as a few large ones. */
export const PIECE_OVERHEAD = 32;

/** A call whose queue has reached this many bytes asks its sender to wait. */
export const SEND_WATERMARK = 64 * KIB;
