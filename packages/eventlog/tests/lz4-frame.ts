/** Packs bytes into an LZ4 frame of blocks that are stored as they are: a valid frame without a compressor. */
export function lz4Frame(bytes: Buffer): Buffer {
  const MAX_BLOCK = 64 * 1024;
  const descriptor = Buffer.from([0x60, 0x40]); // version 1, independent blocks of at most 64 KiB, no checksums
  const parts: Uint8Array[] = [
    Buffer.from([0x04, 0x22, 0x4d, 0x18]),
    descriptor,
    Buffer.from([(xxHash32OfShort(descriptor) >>> 8) & 0xff]),
  ];
  for (let start = 0; start < bytes.length; start += MAX_BLOCK) {
    const block = bytes.subarray(start, start + MAX_BLOCK);
    const size = Buffer.alloc(4);
    size.writeUInt32LE((0x80000000 | block.length) >>> 0);
    parts.push(size, block);
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}

/** xxHash32 with seed 0 of less than 4 bytes. */
function xxHash32OfShort(bytes: Buffer): number {
  const PRIME_2 = 2246822519;
  const PRIME_3 = 3266489917;
  const PRIME_5 = 374761393;
  let hash = (PRIME_5 + bytes.length) >>> 0;
  for (const byte of bytes) {
    hash = (hash + Math.imul(byte, PRIME_5)) >>> 0;
    hash = Math.imul((hash << 11) | (hash >>> 21), 2654435761) >>> 0;
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3) >>> 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}
