import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { DeadLetterFilter, DeadLetterState } from '@realchat/gen/realchat/operations/v1/dead_letter';

/** Which dead letters. Empty texts, state 0 and missing times select all. */
export interface LetterFilter {
  topic: string;
  errorClass: string;
  key: string;
  state: DeadLetterState | 0;
  since: Date | undefined;
  until: Date | undefined;
}

export function toLetterFilter(filter: DeadLetterFilter | undefined): LetterFilter {
  return {
    topic: filter?.topic ?? '',
    errorClass: filter?.errorClass ?? '',
    key: filter?.key ?? '',
    state: filter?.state ?? 0,
    since: filter?.since && timestampDate(filter.since),
    until: filter?.until && timestampDate(filter.until),
  };
}

/** A filter in words for the audit: its key is an id, and a record's content is not in it. */
export function describeFilter(filter: LetterFilter): string {
  const words = Object.entries(filter).flatMap(([name, value]) => {
    if (!value) return [];
    return `${name}=${value instanceof Date ? value.toISOString() : value}`;
  });
  return words.join(' ') || 'all';
}
