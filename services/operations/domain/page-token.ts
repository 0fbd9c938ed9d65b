import { Code, RpcError } from '@realchat/rpc';

/** Where a dead letter stands in the list. */
export interface LetterPlace {
  lastAttemptMs: number;
  topic: string;
  partition: number;
  offset: bigint;
}

// A page token says where the page before ended. It grants nothing: whoever may list may list from anywhere.

export function encodePageToken(place: LetterPlace): string {
  return pack([place.lastAttemptMs, place.topic, place.partition, String(place.offset)]);
}

/** Throws INVALID_ARGUMENT for what encodePageToken has not made. */
export function decodePageToken(token: string): LetterPlace {
  const [time, topic, partition, offset] = unpack(token);
  if (!isCount(time) || typeof topic !== 'string' || topic.includes('\0') || !isCount(partition) || !isBig(offset)) {
    throw invalidPageToken();
  }
  return { lastAttemptMs: time, topic, partition, offset: BigInt(offset) };
}

/** Where a conversation stands in a day's list. */
export interface ActivityPlace {
  messages: bigint;
  conversationId: string;
}

export function encodeActivityPageToken(place: ActivityPlace): string {
  return pack([String(place.messages), place.conversationId]);
}

/** Throws INVALID_ARGUMENT for what encodeActivityPageToken has not made. */
export function decodeActivityPageToken(token: string): ActivityPlace {
  const [messages, conversationId] = unpack(token);
  const isUuid =
    typeof conversationId === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(conversationId);
  if (!isBig(messages) || !isUuid) throw invalidPageToken();
  return { messages: BigInt(messages), conversationId };
}

function pack(fields: (string | number)[]): string {
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

function unpack(token: string): unknown[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(fields) && pack(fields as string[]) === token) return fields;
  } catch {
    // Falls through to the refusal.
  }
  throw invalidPageToken();
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 47;
}

function isBig(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,18}$/.test(value);
}

function invalidPageToken(): RpcError {
  const message = 'the page token is not one of this list';
  return new RpcError(Code.INVALID_ARGUMENT, 'PAGE_TOKEN_INVALID', message, {
    violations: [{ field: 'page_token', description: message }],
  });
}
