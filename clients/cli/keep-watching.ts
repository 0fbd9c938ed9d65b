import { setTimeout as delay } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { failureOf } from '@realchat/client';
import type { Output } from './output.ts';

const AGAIN_MS = 1_000;

/**
 * Tells what a stream brings, and opens it again where it had come over the end of a token and restarts of the server, until the
 * signal is aborted. Throws when the server does not want to.
 */
export async function keepWatching<T extends { readonly cursor: Uint8Array }>(
  open: (cursor: Uint8Array) => AsyncIterable<T>,
  tell: (answer: T) => void,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let cursor = new Uint8Array();
  while (!signal.aborted) {
    let waitMs = AGAIN_MS;
    try {
      for await (const answer of open(cursor)) {
        cursor = new Uint8Array(answer.cursor);
        tell(answer);
      }
    } catch (thrown) {
      if (signal.aborted) return;
      // A mistake of this program.
      if (!(thrown instanceof ConnectError)) throw thrown;
      const { code, reason, passing, retryAfterMs, sentence } = failureOf(thrown);
      // A stream ends with the token that opened it; the next one is opened with another.
      const mayGoOn = code === Code.Unauthenticated ? reason === 'TOKEN_EXPIRED' : passing;
      if (!mayGoOn) throw thrown;
      waitMs = Math.max(retryAfterMs, AGAIN_MS);
      output.note(`${sentence} Watching again: what changes until then is told.`);
    }
    await delay(waitMs, undefined, { signal }).catch(() => {});
  }
}
