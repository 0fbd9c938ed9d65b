import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { MessageService } from '@realchat/gen/realchat/messaging/v1/message_service';
import { envelope } from './http2-probes.ts';

/** An HTTP request that is malformed somewhere, and by which codes it may be refused. */
export interface BadRequest {
  what: string;
  headers?: Record<string, string>;
  body: Uint8Array | string;
  /** How the body is sent; `open` leaves the request unfinished. */
  sent?: 'whole' | 'open';
  method?: string;
  path?: string;
  /** Canonical codes, or HTTP statuses where HTTP is all there is. `OK`: it is to be ignored. */
  codes: string[];
}

const list = MessageService.method.listMessages;
const MIB = 1024 * 1024;
/** No conversation of anyone: what is well-formed in the end finds nothing. */
const CONVERSATION = '00000000-0000-4000-8000-000000000000';
const VALID = toBinary(list.input, create(list.input, { conversationId: CONVERSATION }));
const MEGABYTES_OF_ZEROS = gzipSync(Buffer.alloc(64 * MIB));

/** A field of the wire format: number, type and content. */
const field = (number: number, type: number, ...content: number[]) => Buffer.from([(number << 3) | type, ...content]);
const within = (...parts: Uint8Array[]) => envelope(Buffer.concat(parts));
/** A length that is not the body's. */
const lengthOf = (length: number, body: Uint8Array = VALID) => {
  const bytes = envelope(body);
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

/** For what cannot even be taken apart; libraries differ. */
const UNREADABLE = ['INTERNAL', 'UNIMPLEMENTED', 'INVALID_ARGUMENT'];

/** Malformed messages, in the envelope that gRPC and gRPC-Web share. */
export const badEnvelopes: BadRequest[] = [
  { what: 'nothing at all', body: '', codes: UNREADABLE },
  { what: 'half of an envelope', body: envelope(VALID).subarray(0, 3), codes: UNREADABLE },
  { what: 'a length of 4 GiB', body: lengthOf(0xffffffff), codes: ['RESOURCE_EXHAUSTED'] },
  { what: 'a length beyond the body', body: lengthOf(1000), codes: UNREADABLE },
  { what: 'a length before the end of the body', body: lengthOf(5), codes: [...UNREADABLE, 'RESOURCE_EXHAUSTED'] },
  // grpc-js pays no attention to either of the two.
  { what: 'reserved flags', body: envelope(VALID, 0x7e), codes: [...UNREADABLE, 'NOT_FOUND'] },
  { what: 'the flag of compression and none named', body: envelope(VALID, 1), codes: [...UNREADABLE, 'NOT_FOUND'] },
  {
    what: 'gzip that is none',
    headers: { 'grpc-encoding': 'gzip' },
    body: envelope('this is no gzip', 1),
    codes: UNREADABLE,
  },
  {
    what: '64 MiB in 64 KiB of gzip',
    headers: { 'grpc-encoding': 'gzip' },
    body: envelope(MEGABYTES_OF_ZEROS, 1),
    codes: ['RESOURCE_EXHAUSTED'],
  },
  {
    what: 'an encoding that nobody knows',
    headers: { 'grpc-encoding': 'rot13' },
    body: envelope(VALID, 1),
    codes: ['UNIMPLEMENTED'],
  },
  { what: 'a message over the limit', body: envelope(Buffer.alloc(4 * MIB + 1)), codes: ['RESOURCE_EXHAUSTED'] },
  { what: 'random bytes as a message', body: envelope(Buffer.alloc(64, 0xfe)), codes: ['INVALID_ARGUMENT'] },
  { what: 'a message cut off', body: envelope(VALID.subarray(0, -3)), codes: ['INVALID_ARGUMENT'] },
  { what: 'a field number of 0', body: within(VALID, field(0, 0, 1)), codes: ['INVALID_ARGUMENT'] },
  {
    what: 'a negative length',
    body: within(field(1, 2, 0xff, 0xff, 0xff, 0xff, 0x0f), VALID),
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'a varint without an end',
    body: within(VALID, field(4, 0, ...Array<number>(11).fill(0xff))),
    codes: ['INVALID_ARGUMENT'],
  },
  { what: 'a group without an end', body: within(VALID, field(15, 3)), codes: ['INVALID_ARGUMENT'] },
  {
    what: '100,000 groups in each other',
    body: within(VALID, Buffer.alloc(100_000, (14 << 3) | 3)),
    codes: ['INVALID_ARGUMENT'],
  },
  { what: 'text that is no UTF-8', body: within(field(1, 2, 2, 0xc3, 0x28)), codes: ['INVALID_ARGUMENT'] },
  { what: 'a field of another type', body: within(field(1, 0, 1)), codes: ['INVALID_ARGUMENT'] },
  {
    what: '1 MiB of a field that nobody knows',
    body: within(VALID, field(15, 2, 0x80, 0x80, 0x40), Buffer.alloc(MIB)),
    codes: ['NOT_FOUND'],
  },
  { what: 'two messages where one is due', body: Buffer.concat([envelope(VALID), envelope(VALID)]), codes: UNREADABLE },
  {
    what: 'a message that never ends, under a deadline',
    headers: { 'grpc-timeout': '1S' },
    body: envelope(VALID).subarray(0, 10),
    sent: 'open',
    codes: ['DEADLINE_EXCEEDED'],
  },
  {
    what: 'a deadline that is no time',
    headers: { 'grpc-timeout': 'soon' },
    body: envelope(VALID),
    codes: [...UNREADABLE, 'NOT_FOUND'],
  },
  {
    what: 'a deadline of no time',
    headers: { 'grpc-timeout': '0m' },
    body: envelope(VALID),
    codes: ['DEADLINE_EXCEEDED', 'NOT_FOUND'],
  },
  {
    what: 'binary metadata that is no base64',
    headers: { 'x-note-bin': '!!!' },
    body: envelope(VALID),
    codes: [...UNREADABLE, 'NOT_FOUND'],
  },
  {
    what: 'a trace that is none',
    headers: { traceparent: '00-zz-zz-zz' },
    body: envelope(VALID),
    codes: ['NOT_FOUND'],
  },
];

const json = (text: string) => text.replace('ID', CONVERSATION);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** Malformed requests of the Connect protocol with JSON. */
export const badJson: BadRequest[] = [
  { what: 'nothing at all', body: '', codes: ['INVALID_ARGUMENT'] },
  { what: 'no JSON', body: 'conversation_id=1', codes: ['INVALID_ARGUMENT'] },
  { what: 'JSON cut off', body: json('{"conversationId":"ID"').slice(0, 30), codes: ['INVALID_ARGUMENT'] },
  { what: 'JSON and something behind it', body: json('{"conversationId":"ID"}}'), codes: ['INVALID_ARGUMENT'] },
  { what: 'a list', body: '[]', codes: ['INVALID_ARGUMENT'] },
  { what: 'null', body: 'null', codes: ['INVALID_ARGUMENT'] },
  { what: 'a number where text is due', body: '{"conversationId":1}', codes: ['INVALID_ARGUMENT'] },
  {
    what: 'a field twice',
    body: json('{"conversationId":"ID","conversationId":"other"}'),
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'a field under both of its names',
    body: json('{"conversationId":"ID","conversation_id":"ID"}'),
    codes: ['INVALID_ARGUMENT', 'NOT_FOUND'],
  },
  {
    what: 'both fields of a oneof',
    body: json('{"conversationId":"ID","beforeSeq":"5","afterSeq":"5"}'),
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'a number beyond all numbers',
    body: json('{"conversationId":"ID","pageSize":1e999}'),
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'a number beyond its type',
    body: json('{"conversationId":"ID","afterSeq":"9223372036854775808"}'),
    codes: ['INVALID_ARGUMENT'],
  },
  { what: 'half a number', body: json('{"conversationId":"ID","pageSize":1.5}'), codes: ['INVALID_ARGUMENT'] },
  {
    what: '__proto__',
    body: json('{"__proto__":{"conversationId":"ID"},"conversationId":"ID"}'),
    codes: ['INVALID_ARGUMENT', 'NOT_FOUND'],
  },
  {
    what: 'constructor',
    body: json('{"constructor":{"prototype":{"polluted":1}},"conversationId":"ID"}'),
    codes: ['INVALID_ARGUMENT', 'NOT_FOUND'],
  },
  {
    what: 'a field that nobody knows',
    body: json('{"conversationId":"ID","admin":true}'),
    codes: ['INVALID_ARGUMENT', 'NOT_FOUND'],
  },
  { what: '100,000 objects in each other', body: nested(100_000), codes: ['INVALID_ARGUMENT'] },
  {
    what: '1,000 lists in each other',
    body: json(`{"conversationId":${'['.repeat(1000)}"ID"${']'.repeat(1000)}}`),
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'text that is no UTF-8',
    body: Buffer.from([...Buffer.from('{"conversationId":"'), 0xc3, 0x28, 0x22, 0x7d]),
    codes: ['INVALID_ARGUMENT'],
  },
  { what: 'half of a surrogate pair', body: '{"conversationId":"\\ud800"}', codes: ['INVALID_ARGUMENT'] },
  {
    what: 'more than the limit',
    body: json(`{"conversationId":"ID","x":"${'a'.repeat(4 * MIB)}"}`),
    codes: ['RESOURCE_EXHAUSTED'],
  },
  {
    what: 'gzip that is none',
    headers: { 'content-encoding': 'gzip' },
    body: 'this is no gzip',
    codes: ['INVALID_ARGUMENT', 'INTERNAL'],
  },
  {
    what: '64 MiB in 64 KiB of gzip',
    headers: { 'content-encoding': 'gzip' },
    body: MEGABYTES_OF_ZEROS,
    codes: ['RESOURCE_EXHAUSTED'],
  },
  {
    what: 'an encoding that nobody knows',
    headers: { 'content-encoding': 'rot13' },
    body: '{}',
    codes: ['UNIMPLEMENTED'],
  },
  {
    what: 'a deadline that is no time',
    headers: { 'connect-timeout-ms': 'soon' },
    body: '{}',
    codes: ['INVALID_ARGUMENT'],
  },
  {
    what: 'another version of the protocol',
    headers: { 'connect-protocol-version': '99' },
    body: json('{"conversationId":"ID"}'),
    codes: ['INVALID_ARGUMENT', 'NOT_FOUND'],
  },
  { what: 'another content type', headers: { 'content-type': 'text/plain' }, body: '{}', codes: ['INVALID_ARGUMENT'] },
  { what: 'XML', headers: { 'content-type': 'application/xml' }, body: '<a/>', codes: ['INVALID_ARGUMENT'] },
  { what: 'PUT', method: 'PUT', body: '{}', codes: ['INVALID_ARGUMENT'] },
  {
    what: 'GET of a method that changes something',
    method: 'GET',
    path: '/realchat.messaging.v1.MessageService/SendMessage?encoding=json&message=%7B%7D&connect=v1',
    body: '',
    codes: ['405'],
  },
];
