import type { CursorPlace } from './cursor.ts';

/** What is to be written of a device. */
export interface DeviceNote {
  userId: string;
  deviceId: string;
  /** What it has acknowledged since the last write; undefined: nothing. */
  place: CursorPlace | undefined;
  /** When it acknowledged last, in milliseconds since the epoch; meaningless without a place. */
  acknowledgedAt: number;
  /** When it was last here, in milliseconds since the epoch. */
  seenAt: number;
}

/** What is to be written of devices, one note for each: what comes within one write is gathered, and goes only forward. */
export class DeviceNotes {
  readonly #most: number;
  readonly #notes = new Map<string, DeviceNote>();

  /** With more than `most` notes, what comes of further devices is dropped. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#notes.size;
  }

  /** False when there was no room for it. */
  add(note: DeviceNote): boolean {
    const key = `${note.userId}/${note.deviceId}`;
    const known = this.#notes.get(key);
    if (!known && this.#notes.size >= this.#most) return false;
    this.#notes.set(key, known ? merged(known, note) : note);
    return true;
  }

  take(most: number): DeviceNote[] {
    const taken: DeviceNote[] = [];
    for (const [key, note] of this.#notes) {
      if (taken.length >= most) break;
      this.#notes.delete(key);
      taken.push(note);
    }
    return taken;
  }
}

function merged(a: DeviceNote, b: DeviceNote): DeviceNote {
  const [older, newer] = a.acknowledgedAt <= b.acknowledgedAt ? [a, b] : [b, a];
  return {
    userId: a.userId,
    deviceId: a.deviceId,
    place: older.place && newer.place ? further(older.place, newer.place) : (newer.place ?? older.place),
    acknowledgedAt: newer.acknowledgedAt,
    seenAt: Math.max(a.seenAt, b.seenAt),
  };
}

/** What both say together: nodes may stand at different places of each shard. Of another log, the newer one alone counts. */
function further(older: CursorPlace, newer: CursorPlace): CursorPlace {
  if (Buffer.compare(older.epochTag, newer.epochTag) !== 0) return newer;
  const positions = newer.positions.map((position, shard) => Math.max(position, older.positions[shard] ?? 0));
  return { epochTag: newer.epochTag, positions };
}
