import { Code, RpcError } from '@realchat/rpc';

// How far a watch has come is a time of the database, in milliseconds. It grants nothing: whoever may watch may list all.

export function encodeWatchCursor(time: Date): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(time.getTime()));
  return bytes;
}

/** Throws INVALID_ARGUMENT for what encodeWatchCursor has not made. */
export function decodeWatchCursor(cursor: Uint8Array): Date {
  const time = cursor.length === 8 ? Number(Buffer.from(cursor).readBigInt64BE()) : Number.NaN;
  // What a date can be, and a database too.
  if (time >= 0 && time < 2 ** 47) return new Date(time);
  const message = 'the cursor is not one of a watch';
  throw new RpcError(Code.INVALID_ARGUMENT, 'CURSOR_INVALID', message, {
    violations: [{ field: 'cursor', description: message }],
  });
}
