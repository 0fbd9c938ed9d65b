import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

/** `WOULD_REPLAY` is `would-replay`; what a newer server says is `unknown`. */
export function nameIn(names: Record<string, number>, value: number): string {
  const name = Object.keys(names).find((each) => names[each] === value);
  return name?.toLowerCase().replaceAll('_', '-') ?? 'unknown';
}

export function iso(time: Timestamp | undefined): string | undefined {
  return time && timestampDate(time).toISOString();
}
