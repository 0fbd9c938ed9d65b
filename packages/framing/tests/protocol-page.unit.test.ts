import { readFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { GetProfileRequestSchema, GetProfileResponseSchema } from '@realchat/gen/realchat/profile/v1/profile_service';
import { CreditSchema, HelloSchema } from '@realchat/gen/realchat/transport/v1/frames';
import { expect, test } from 'vitest';
import { closeCodes } from '../close-codes.ts';
import { encodeFrames } from '../encode.ts';
import { EMPTY, Kind, type WireFrame } from '../frame.ts';
import { Code, defaultLimits, metadataOf, statusOf, welcomeOf } from '../index.ts';
import { encodeEnd, encodeSession } from '../payload.ts';
import { encodeRequest } from '../request.ts';

const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** The bytes of a block of the page: the hex digits at the start of its lines, without what they mean. */
function bytesOf(name: string): string {
  const block = new RegExp(`<!-- bytes: ${name} -->\\n\`\`\`\\n(.*?)\`\`\``, 's').exec(page)?.[1];
  if (block === undefined) throw new Error(`the page has no bytes of ${name}`);
  const hex = block.split('\n').map((line) => /^\s*((?:[0-9a-f]{2}(?: |$))*)/.exec(line)?.[1] ?? '');
  return hex.join('').replaceAll(' ', '');
}

const request = toBinary(
  GetProfileRequestSchema,
  create(GetProfileRequestSchema, { key: { case: 'username', value: 'ada' } }),
);
const response = toBinary(
  GetProfileResponseSchema,
  create(GetProfileResponseSchema, { profile: { userId: 'u1', displayName: 'Ada' } }),
);
const open = encodeRequest({
  method: '/realchat.profile.v1.ProfileService/GetProfile',
  metadata: [metadataOf('x-a', '1')],
  timeoutMs: 5000,
});
const onCall = (call: number, kind: Kind, payload: Uint8Array): WireFrame => ({ call, kind, payload });

test.each<[string, WireFrame[]]>([
  ['hello', [encodeSession({ case: 'hello', value: create(HelloSchema, { accessToken: 'abc' }) })]],
  ['welcome', [encodeSession({ case: 'welcome', value: welcomeOf(defaultLimits, 300_000) })]],
  ['call', [onCall(1, Kind.open, open), onCall(1, Kind.message, request), onCall(1, Kind.halfClose, EMPTY)]],
  ['answer', [onCall(1, Kind.message, response), onCall(1, Kind.end, EMPTY)]],
  ['failure', [onCall(1, Kind.end, encodeEnd(statusOf(Code.NOT_FOUND, 'no'), []))]],
  ['credit', [onCall(3, Kind.credit, toBinary(CreditSchema, create(CreditSchema, { bytes: 16_416 })))]],
])('the bytes of %s on the page are those that the code writes', (name, frames) => {
  expect(bytesOf(name)).toBe(Buffer.from(encodeFrames(frames)).toString('hex'));
});

test('the page lists every close code', () => {
  for (const { code } of Object.values(closeCodes)) expect(page).toMatch(new RegExp(`^\\|[0-9, ]*\\b${code}\\b`, 'm'));
});
