import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Code, RpcError } from '@realchat/rpc';

/** What a cursor holds: one position per shard of one log. */
export interface CursorPlace {
  /** Tells logs apart; compare with `epochTag`. */
  epochTag: Uint8Array;
  /** By shard id. */
  positions: number[];
}

const VERSION = 1;
const EPOCH_BYTES = 8;
const MAC_BYTES = 16;
const MAX_SHARDS = 64;
const PURPOSE = 'realchat.cursor.v1';

/**
 * Opaque cursors: `version, epoch tag, number of shards, a varint position for each, MAC`. The MAC covers all of that and
 * the user, so that a cursor is worth nothing to anyone else and cannot be made or changed outside.
 */
export class Cursors {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The part of a cursor that is the same for all users. */
  body(epoch: string, positions: readonly number[]): Uint8Array {
    const bytes = [VERSION, ...epochTag(epoch), positions.length];
    for (let position of positions) {
      while (position > 0x7f) {
        bytes.push((position % 0x80) | 0x80);
        position = Math.floor(position / 0x80);
      }
      bytes.push(position);
    }
    return Buffer.from(bytes);
  }

  /** A user's cursor of a body. */
  seal(body: Uint8Array, userId: string): Uint8Array {
    return Buffer.concat([body, this.#mac(body, userId)]);
  }

  /** Reads a cursor. Throws INVALID_ARGUMENT (CURSOR_INVALID) unless `seal` made it for this user. */
  open(cursor: Uint8Array, userId: string): CursorPlace {
    const body = Buffer.from(cursor.subarray(0, Math.max(0, cursor.length - MAC_BYTES)));
    const mac = cursor.subarray(body.length);
    if (mac.length !== MAC_BYTES || !timingSafeEqual(mac, this.#mac(body, userId))) throw invalidCursor();
    const place = parseBody(body);
    // Authentic, so made by a version of ours that this one does not know.
    if (!place) throw invalidCursor();
    return place;
  }

  #mac(body: Uint8Array, userId: string): Buffer {
    // The body's length comes first, so that no byte can change sides between it and the user.
    return createHmac('sha256', this.#secret)
      .update(`${PURPOSE}:${body.length}:`)
      .update(body)
      .update(userId)
      .digest()
      .subarray(0, MAC_BYTES);
  }
}

/** A short stand-in for an epoch. */
export function epochTag(epoch: string): Uint8Array {
  return createHash('sha256').update(epoch).digest().subarray(0, EPOCH_BYTES);
}

function parseBody(body: Buffer): CursorPlace | undefined {
  const count = body[1 + EPOCH_BYTES];
  if (body[0] !== VERSION || !count || count > MAX_SHARDS) return undefined;
  const positions: number[] = [];
  let at = 2 + EPOCH_BYTES;
  while (positions.length < count) {
    let position = 0;
    let scale = 1;
    let byte: number | undefined;
    do {
      byte = body[at++];
      if (byte === undefined) return undefined;
      position += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte > 0x7f && scale <= 2 ** 49);
    if (!Number.isSafeInteger(position)) return undefined;
    positions.push(position);
  }
  return at === body.length ? { epochTag: body.subarray(1, 1 + EPOCH_BYTES), positions } : undefined;
}

function invalidCursor(): RpcError {
  return new RpcError(
    Code.INVALID_ARGUMENT,
    'CURSOR_INVALID',
    'the cursor was not made here for this user; subscribe without one, and reload',
  );
}
