import { toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { metadataOf } from '@realchat/framing';
import { ErrorInfoSchema } from '@realchat/gen/google/rpc/error_details';
import { type Status, StatusSchema } from '@realchat/gen/google/rpc/status';
import { asBuffer, RpcError } from '@realchat/rpc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { strictJsonText } from '../connect/json-text.ts';
import { clientAddress } from '../http/client-address.ts';
import { publicServices, routesOf } from '../public-services.ts';
import { fromFrames, passes, toBackend, toFrames } from '../relay/metadata.ts';
import { statusOf } from '../relay/refusals.ts';

const ended = (code: number, details: string, metadata = new grpc.Metadata()): grpc.StatusObject => ({
  code,
  details,
  metadata,
});
const reasonOf = (status: Status): string | undefined =>
  status.details[0] && anyUnpack(status.details[0], ErrorInfoSchema)?.reason;

test('every public method has a backend, and nothing else has a route', () => {
  const routes = routesOf(publicServices('production'));
  expect(routes.get('/realchat.messaging.v1.MessageService/SendMessage')).toMatchObject({
    backend: 'messaging',
    open: false,
    unary: true,
  });
  expect(routes.get('/realchat.delivery.v1.DeliveryService/Subscribe')).toMatchObject({
    backend: 'delivery',
    unary: false,
  });
  expect(routes.get('/realchat.auth.v1.AuthService/Login')).toMatchObject({ backend: 'auth', open: true });
  for (const path of routes.keys()) expect(path).not.toMatch(/LogService|AccountService|reflection|health/i);
  expect([...routesOf(publicServices('development')).keys()].some((path) => path.includes('ServerReflection'))).toBe(
    true,
  );
});

test('what a service says passes unchanged', () => {
  const why = new RpcError(5, 'PROFILE_NOT_FOUND', 'there is no such profile');
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', asBuffer(why.toStatusBytes()));
  const passed = statusOf(ended(5, 'there is no such profile', metadata));
  expect(toBinary(StatusSchema, passed)).toEqual(why.toStatusBytes());
});

test.each<[number, string, number, string]>([
  [14, 'No connection established. Last error: connect ECONNREFUSED 10.1.2.3:7301', 14, 'SERVICE_UNAVAILABLE'],
  [13, 'Received RST_STREAM with code 2 (Internal server error)', 14, 'SERVICE_UNAVAILABLE'],
  [1, 'Call cancelled', 14, 'SERVICE_UNAVAILABLE'],
  [4, 'Deadline exceeded after 0.1s,remote_addr=10.1.2.3:7301', 4, 'DEADLINE_EXCEEDED'],
  [12, 'The server does not implement the method /a/b', 12, 'METHOD_UNKNOWN'],
  [8, 'Received message larger than max (5 vs 4)', 8, 'TOO_LARGE'],
  [13, 'at Object.fn (/srv/app.ts:1:2)', 13, 'INTERNAL'],
])('of what a channel says only the meaning passes: %i %s', (code, details, passed, reason) => {
  const status = statusOf(ended(code, details));
  expect([status.code, reasonOf(status)]).toEqual([passed, reason]);
  expect(status.message).not.toMatch(/\d{2}|\//);
});

test('details that cannot be read are none', () => {
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from('ffff', 'hex'));
  expect(statusOf(ended(14, 'x', metadata)).code).toBe(14);
});

test('metadata passes both ways but for the names of one hop', () => {
  const pairs = fromFrames([
    metadataOf('x-mine', '1'),
    metadataOf('x-mine', '2'),
    metadataOf('x-mine-bin', Uint8Array.of(255)),
    metadataOf('authorization', 'Bearer other'),
  ]);
  const metadata = toBackend(pairs, { token: 'mine', clientAddress: '203.0.113.9', traceparent: 'trace' });
  expect(metadata.toJSON()).toEqual({
    'x-mine': ['1', '2'],
    'x-mine-bin': [Buffer.of(255)],
    authorization: ['Bearer mine'],
    'x-forwarded-for': ['203.0.113.9'],
    traceparent: ['trace'],
  });
  metadata.set('content-type', 'application/grpc');
  const back = toFrames(metadata).map(({ name }) => name);
  expect(back).toEqual(['x-mine', 'x-mine', 'x-mine-bin', 'traceparent']);
});

test.each([
  'x-user-id',
  'x-internal-role',
  'x-envoy-anything',
  'x-forwarded-proto',
  'grpc-timeout',
  'host',
  'cookie',
  ':path',
  'sec-fetch-site',
  'te',
])('%s does not pass', (name) => expect(passes(name)).toBe(false));

test('of X-Forwarded-For only what proxies of ours wrote is believed', () => {
  const seen = (header: string | undefined, hops: number) =>
    clientAddress(header === undefined ? {} : { 'x-forwarded-for': header }, '10.0.0.1', hops);
  expect(seen('1.1.1.1, 2.2.2.2', 0)).toBe('10.0.0.1');
  expect(seen('1.1.1.1, 2.2.2.2', 1)).toBe('2.2.2.2');
  expect(seen('1.1.1.1, 2.2.2.2', 2)).toBe('1.1.1.1');
  expect(seen('2001:db8::1', 1)).toBe('2001:db8::1');
  expect(seen('no address', 1)).toBe('10.0.0.1');
  expect(seen(undefined, 1)).toBe('10.0.0.1');
});

test('JSON with no key twice is let through as it is, and with one is not', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(strictJsonText.decode(Buffer.from(text))).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.string(), fc.json(), fc.json(), (key, one, two) => {
      const twice = `{ ${JSON.stringify(key)} :${one}, "other\\"": [1], ${JSON.stringify(key)}\n: ${two}}`;
      expect(() => strictJsonText.decode(Buffer.from(twice))).toThrow(SyntaxError);
    }),
  );
});
