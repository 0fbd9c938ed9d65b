import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { expect, test } from 'vitest';
import { keepWatching } from './keep-watching.ts';

function refusal(code: Code, reason: string): ConnectError {
  const details = [{ desc: ErrorInfoSchema, value: { reason, domain: 'realchat.dev' } }];
  return new ConnectError(reason, code, undefined, details);
}

/** Watches streams that say a word and end so, one after the other. Aborts when there are no more. */
async function watch(...ends: Error[]) {
  const told: number[] = [];
  const cursors: number[] = [];
  const notes: string[] = [];
  const interrupted = new AbortController();
  let opened = 0;
  async function* open(cursor: Uint8Array) {
    cursors.push(cursor[0] ?? 0);
    yield { word: ++opened, cursor: Uint8Array.of(10 * opened) };
    const end = ends.shift();
    if (end) throw end;
    interrupted.abort();
  }
  const output = { data: () => {}, note: (text: string) => void notes.push(text) };
  const ended = keepWatching(open, ({ word }) => told.push(word), output, interrupted.signal);
  const thrown = await ended.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { told, cursors, notes, thrown };
}

test('a watch goes on where it was over the end of a token and a restart of the server, and says so', async () => {
  const { told, cursors, notes, thrown } = await watch(
    refusal(Code.Unauthenticated, 'TOKEN_EXPIRED'),
    refusal(Code.Unavailable, 'DRAINING'),
  );
  expect([told, cursors, notes.length, thrown]).toEqual([[1, 2, 3], [0, 10, 20], 2, undefined]);
});

test.each([
  ['the role is taken back', refusal(Code.PermissionDenied, 'OPERATOR_REQUIRED')],
  ['the session is ended', refusal(Code.Unauthenticated, 'TOKEN_REVOKED')],
])('a watch ends when %s', async (_, end) => {
  expect(await watch(end)).toEqual({ told: [1], cursors: [0], notes: [], thrown: end });
});

test('a watch ends when what it was told cannot be printed', async () => {
  const end = new TypeError('a mistake of this program');
  expect(await watch(end)).toEqual({ told: [1], cursors: [0], notes: [], thrown: end });
});
