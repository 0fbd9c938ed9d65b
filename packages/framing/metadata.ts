import { create } from '@bufbuild/protobuf';
import { type Metadata, MetadataSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { CallFault, Code } from './status.ts';

export type { Metadata };

const NAME = /^[0-9a-z_.-]{1,128}$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Makes a pair of metadata. A value in bytes needs a name that ends in `-bin`, a text one that does not. */
export function metadataOf(name: string, value: string | Uint8Array): Metadata {
  return typeof value === 'string'
    ? create(MetadataSchema, { name, text: value })
    : create(MetadataSchema, { name, binary: value });
}

/** The size that limits count: names and values, in bytes. */
function metadataBytes(metadata: readonly Metadata[]): number {
  let bytes = 0;
  for (const { name, text, binary } of metadata) bytes += name.length + text.length + binary.length;
  return bytes;
}

/**
 * Checks metadata that came from a peer.
 *
 * @throws CallFault INVALID_ARGUMENT for a malformed pair, RESOURCE_EXHAUSTED for more bytes than allowed.
 */
export function checkMetadata(metadata: readonly Metadata[], maxBytes: number): void {
  if (metadataBytes(metadata) > maxBytes) {
    throw new CallFault(Code.RESOURCE_EXHAUSTED, `metadata is larger than ${maxBytes} bytes`);
  }
  for (const { name, text, binary } of metadata) {
    if (!NAME.test(name)) throw new CallFault(Code.INVALID_ARGUMENT, 'metadata has a malformed name');
    const misplaced = name.endsWith('-bin') ? text.length > 0 : binary.length > 0;
    if (misplaced || !PRINTABLE_ASCII.test(text)) {
      throw new CallFault(Code.INVALID_ARGUMENT, `metadata ${name} has a malformed value`);
    }
  }
}
