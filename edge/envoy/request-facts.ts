import { type EnvoyObject, extension } from './envoy-object.ts';

/** Where the facts of a request are kept while Envoy handles it. */
export const FACTS = 'realchat.edge';

/**
 * Notes what later steps need to know of a request and can no longer see: its content type, which the gRPC-Web filter
 * rewrites and by which errors are written in the caller's own protocol, and its trace.
 */
export function noteRequestFacts(): EnvoyObject {
  return extension(
    'envoy.filters.http.header_to_metadata',
    'envoy.extensions.filters.http.header_to_metadata.v3.Config',
    {
      request_rules: [
        { header: 'content-type', on_header_present: { metadata_namespace: FACTS, key: 'content_type' } },
        {
          header: 'traceparent',
          on_header_present: {
            metadata_namespace: FACTS,
            key: 'trace_id',
            // The trace id, and nothing (so no entry at all) when the header has none.
            regex_value_rewrite: {
              pattern: { regex: '^(?:00-([0-9a-f]{32})-.*|.*)$' },
              substitution: '\\1',
            },
          },
        },
      ],
    },
  );
}
