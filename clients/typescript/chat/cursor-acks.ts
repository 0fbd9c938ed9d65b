const EVERY_MS = 2_000;

/** Tells the server how far this device came: at most every two seconds, and only when that has changed. */
export class CursorAcks {
  readonly #acknowledge: (cursor: Uint8Array) => Promise<unknown>;
  #due: Uint8Array | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling = false;
  #closed = false;

  /** @param acknowledge makes the call; may fail, and the next cursor makes up for it. */
  constructor(acknowledge: (cursor: Uint8Array) => Promise<unknown>) {
    this.#acknowledge = acknowledge;
  }

  /** This device has all up to a cursor. */
  moved(cursor: Uint8Array): void {
    if (this.#closed || cursor.length === 0) return;
    this.#due = cursor;
    if (!this.#telling) this.#timer ??= setTimeout(() => void this.#tell(), EVERY_MS);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #tell(): Promise<void> {
    this.#timer = undefined;
    const cursor = this.#due;
    this.#due = undefined;
    if (!cursor) return;
    this.#telling = true;
    await this.#acknowledge(cursor).catch(() => {});
    this.#telling = false;
    if (this.#due) this.moved(this.#due);
  }
}
