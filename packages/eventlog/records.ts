/** What travels beside a record's value. Values are text or bytes; a name may come more than once in a record that was read. */
export type HeaderValue = string | Uint8Array;

/** A record to be appended. Its partition is always said, never computed from the key. */
export interface OutgoingRecord {
  topic: string;
  partition: number;
  /** Null: none. */
  key: string | Uint8Array | null;
  /** Null: a tombstone. */
  value: Uint8Array | null;
  headers?: Record<string, HeaderValue | HeaderValue[]>;
}

/** Where a run of records of one partition was appended. */
export interface Appended {
  topic: string;
  partition: number;
  /** Of the first record of the run. A broker that cannot tell (the run was a repeat) answers -1. */
  baseOffset: bigint;
}

/** A record as it was read. Its bytes are views into what was fetched at once: copy what is kept for long. */
export interface EventRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** When it was appended or made, in milliseconds since 1970, by the clock of its producer. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

type RawHeaders = Record<string, HeaderValue | HeaderValue[] | undefined>;

const NO_HEADERS: RawHeaders = {};

/** The headers of a record that was read. They are bytes on the wire; `text` reads them as UTF-8. */
export class Headers {
  readonly #raw: RawHeaders;

  constructor(raw: RawHeaders = NO_HEADERS) {
    this.#raw = raw;
  }

  /** The last value under a name, as text; undefined when there is none. */
  text(name: string): string | undefined {
    const value = this.#last(name);
    return value === undefined || typeof value === 'string' ? value : decode(value);
  }

  /** The last value under a name, as bytes; undefined when there is none. */
  bytes(name: string): Uint8Array | undefined {
    const value = this.#last(name);
    return typeof value === 'string' ? Buffer.from(value) : value;
  }

  names(): string[] {
    return Object.keys(this.#raw);
  }

  /** A copy that can be sent again: every name with all of its values. */
  toOutgoing(): Record<string, HeaderValue | HeaderValue[]> {
    const outgoing: Record<string, HeaderValue | HeaderValue[]> = {};
    for (const [name, value] of Object.entries(this.#raw)) {
      if (value !== undefined && value !== null) outgoing[name] = value;
    }
    return outgoing;
  }

  #last(name: string): HeaderValue | undefined {
    const value = Object.hasOwn(this.#raw, name) ? this.#raw[name] : undefined;
    return Array.isArray(value) ? value.at(-1) : (value ?? undefined);
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** A record's coordinates as one word: `<topic>/<partition>/<offset>`. */
export function coordinatesOf(record: Pick<EventRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${record.topic}/${record.partition}/${record.offset}`;
}
