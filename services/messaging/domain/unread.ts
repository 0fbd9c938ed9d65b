/** Message numbers of a conversation as one member stands to them. */
export interface ReadMarks {
  /** The newest message's. */
  last: bigint;
  /** The newest that the member has marked as read or has sent. */
  read: bigint;
  /** The newest that there was when the member's stint began: nothing up to it is theirs to read. */
  joined: bigint;
}

/** How many messages are unread: derived, never counted. */
export function unreadCount({ last, read, joined }: ReadMarks): bigint {
  const seen = read > joined ? read : joined;
  return last > seen ? last - seen : 0n;
}
