import { MAX_MESSAGE_BYTES } from '@realchat/rpc';
import { type EnvoyObject, extension, turnedOff } from './envoy-object.ts';

const BUFFER_FILTER = 'envoy.filters.http.buffer';

/** Refuses request bodies over the mesh's message limit, and keeps slow ones from the services: what arrives is whole. */
export function limitBodies(): EnvoyObject {
  return extension(BUFFER_FILTER, 'envoy.extensions.filters.http.buffer.v3.Buffer', {
    max_request_bytes: MAX_MESSAGE_BYTES,
  });
}

/** Lets a request's body flow as it comes: for WebSockets and for calls that stream in both directions. */
export function bodyUnlimited(): EnvoyObject {
  return turnedOff(BUFFER_FILTER);
}
