import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

/** A time of an answer, which must be there. */
export function toDate(time: Timestamp | undefined): Date {
  if (!time) throw new Error('the time is missing');
  return timestampDate(time);
}
