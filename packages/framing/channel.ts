/** The ordered, lossless byte channel that a session runs over. It keeps the bounds of what is written. */
export interface Channel {
  /**
   * Writes one `Frames` as a unit. The bytes are the channel's from now on.
   *
   * @returns false when the channel has enough for now: nothing more is written until `Multiplexer.writable()` is called,
   * which must not happen within this call.
   */
  write(frames: Uint8Array): boolean;
}

/** Calls `flush` later, after whatever else happens in this turn of the event loop. */
export type Schedule = (flush: () => void) => void;

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Where there is a check phase it gathers all that one poll has brought; else the end of the task has to do. */
export const atEndOfTurn: Schedule =
  setImmediate === undefined ? (flush) => queueMicrotask(flush) : (flush) => void setImmediate(flush);
