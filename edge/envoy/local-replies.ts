import { toConnectJson } from '@realchat/rpc';
import type { EnvoyObject } from './envoy-object.ts';
import { setHeader } from './headers.ts';
import { REFUSALS, type Refusal } from './refusals.ts';
import { FACTS } from './request-facts.ts';

// The first that matches is spoken: the prefix of gRPC is one of gRPC-Web too.
const PROTOCOLS: { spoken: EnvoyObject[]; write: (refusal: Refusal) => EnvoyObject }[] = [
  { spoken: [contentType('application/grpc-web')], write: inGrpcWeb },
  { spoken: [contentType('application/grpc')], write: inGrpc },
  { spoken: [requestHeader(':path', '/realchat.')], write: inConnect },
  { spoken: [], write: inText },
];

/** Envoy's own answers, in the protocol of the caller, typed as those of the services, and silent about the inside. */
export function localReplies(): EnvoyObject {
  return {
    mappers: PROTOCOLS.flatMap(({ spoken, write }) =>
      REFUSALS.map((refusal) => ({ filter: all([...spoken, refusal.when]), ...write(refusal) })),
    ),
  };
}

/** Envoy makes trailers-only of it, with the body as the message. */
function inGrpc(refusal: Refusal): EnvoyObject {
  const { error } = refusal;
  return {
    headers_to_add: statusHeaders(refusal),
    body_format_override: { text_format_source: { inline_string: error.message } },
  };
}

/** Trailers-only, made here: else the translation goes by the HTTP status and knows few codes. */
function inGrpcWeb(refusal: Refusal): EnvoyObject {
  return {
    status_code: 200,
    headers_to_add: [...statusHeaders(refusal), setHeader('grpc-message', refusal.error.message)],
    body_format_override: { text_format_source: { inline_string: '' }, content_type: 'application/grpc-web+proto' },
  };
}

function inConnect(refusal: Refusal): EnvoyObject {
  const { error, status } = refusal;
  return {
    ...(status ? { status_code: status } : {}),
    headers_to_add: retryAfter(refusal),
    body_format_override: {
      text_format_source: { inline_string: JSON.stringify(toConnectJson(error)) },
      content_type: 'application/json',
    },
  };
}

function inText(refusal: Refusal): EnvoyObject {
  const { error, status } = refusal;
  return {
    ...(status ? { status_code: status } : {}),
    headers_to_add: retryAfter(refusal),
    body_format_override: { text_format_source: { inline_string: error.message } },
  };
}

function statusHeaders(refusal: Refusal): EnvoyObject[] {
  const { error } = refusal;
  return [
    setHeader('grpc-status', String(error.code)),
    fact(refusal, 'grpc-status-details-bin', base64(error.toStatusBytes())),
  ];
}

function retryAfter(refusal: Refusal): EnvoyObject[] {
  const seconds = refusal.error.retryAfterSeconds;
  return seconds === undefined ? [] : [fact(refusal, 'retry-after', String(seconds))];
}

function fact({ mayHaveDetails }: Refusal, key: string, value: string): EnvoyObject {
  const header = setHeader(key, value);
  return mayHaveDetails ? { ...header, append_action: 'ADD_IF_ABSENT' } : header;
}

/** By the header as it came; where it was translated since, or has not been noted yet, the other of the two does not match. */
function contentType(prefix: string): EnvoyObject {
  const noted: EnvoyObject = {
    metadata_filter: {
      matcher: { filter: FACTS, path: [{ key: 'content_type' }], value: { string_match: { prefix } } },
      match_if_key_not_found: false,
    },
  };
  return { or_filter: { filters: [noted, requestHeader('content-type', prefix)] } };
}

function requestHeader(name: string, prefix: string): EnvoyObject {
  return { header_filter: { header: { name, string_match: { prefix } } } };
}

function all(filters: EnvoyObject[]): EnvoyObject {
  return filters.length === 1 ? (filters[0] as EnvoyObject) : { and_filter: { filters } };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
