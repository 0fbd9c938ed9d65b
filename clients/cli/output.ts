import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Message } from '@realchat/gen/realchat/messaging/v1/message';

/** Data goes to stdout, everything else to stderr. */
export interface Output {
  /** A line of data: `fields` as JSON, or `text`. */
  data(fields: Record<string, unknown>, text: string): void;
  note(text: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    data: (fields, text) => process.stdout.write(`${json ? JSON.stringify(fields) : text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
  };
}

/** A message as `--json` has it; 64-bit numbers are strings, as in the contract's JSON. */
export function messageFields(message: Message): Record<string, unknown> {
  const { messageId, conversationId, seq, senderId, createTime, clientMessageId, content } = message;
  const time = createTime && timestampDate(createTime).toISOString();
  const text = content.value ?? '';
  return { conversationId, seq: String(seq), messageId, senderId, clientMessageId, createTime: time, text };
}

// A message must not move the cursor or colour the terminal of its reader.
const CONTROLS = /(?![\n\t])\p{Cc}/gu;

/** Text for a terminal, without its control characters. */
export function printable(text: string): string {
  return text.replace(CONTROLS, '�');
}
