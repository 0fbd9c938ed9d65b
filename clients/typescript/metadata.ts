import { decodeBinaryHeader, encodeBinaryHeader } from '@connectrpc/connect';
import { type Metadata, metadataOf } from '@realchat/framing';

/** Headers as Connect has them, in the framing's form: binary values leave base64, joined values are taken apart. */
export function toMetadata(headers: Headers): Metadata[] {
  const metadata: Metadata[] = [];
  headers.forEach((value, name) => {
    if (!name.endsWith('-bin')) metadata.push(metadataOf(name, value));
    else for (const part of value.split(',')) metadata.push(metadataOf(name, decodeBinaryHeader(part.trim())));
  });
  return metadata;
}

/** Metadata as Connect's interceptors and callers expect it. What no header can hold is left out. */
export function toHeaders(metadata: readonly Metadata[]): Headers {
  const headers = new Headers();
  for (const { name, text, binary } of metadata) {
    try {
      headers.append(name, name.endsWith('-bin') ? encodeBinaryHeader(binary) : text);
    } catch {
      // A malformed name or value from the server is no reason to lose the answer.
    }
  }
  return headers;
}
