const FIRST_CAPACITY = 64 * 1024;

/** Puts the pieces of one message together, in a buffer that grows with what has come, never with what was promised. */
export class Assembly {
  readonly #maxBytes: number;
  #buffer: Uint8Array | undefined;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message has begun. */
  get started(): boolean {
    return this.#buffer !== undefined;
  }

  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    let buffer = this.#buffer;
    if (buffer === undefined || buffer.length < needed) {
      const doubled = Math.max(FIRST_CAPACITY, needed, 2 * this.#length);
      const grown = new Uint8Array(Math.max(needed, Math.min(doubled, this.#maxBytes)));
      if (buffer !== undefined) grown.set(buffer.subarray(0, this.#length));
      buffer = grown;
      this.#buffer = grown;
    }
    buffer.set(piece, this.#length);
    this.#length = needed;
  }

  /** Adds the last piece and hands over the message. One that came in a single piece is not copied. */
  finish(last: Uint8Array): Uint8Array {
    if (this.#buffer === undefined) return last;
    this.append(last);
    const message = this.#buffer.subarray(0, this.#length);
    this.clear();
    return message;
  }

  clear(): void {
    this.#buffer = undefined;
    this.#length = 0;
  }
}
